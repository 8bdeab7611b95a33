import socket

import pytest

from tfsnn_models import datasets
from tfsnn_models.prepared_data import prepared

tfds = pytest.importorskip("tensorflow_datasets")
HOST = "fashion-mnist.s3-website.eu-central-1.amazonaws.com"


class Begun(Exception):
    """TFDS was asked to download."""


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    def find_no_address(*_, **__):
        raise socket.gaierror(-2, "Name or service not known")

    def begin(*_, **__):
        raise Begun

    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(socket, "getaddrinfo", find_no_address)
    builder = tfds.core.DatasetBuilder
    monkeypatch.setattr(builder, "download_and_prepare", begin)


def test_a_download_without_a_network_is_refused_at_once(tmp_path):
    with pytest.raises(ConnectionError, match=f"is found for {HOST}$"):
        prepared("fashion_mnist", str(tmp_path))
    assert not list(tmp_path.iterdir())


def test_training_says_what_to_do(tmp_path):
    text = f"is found for {HOST}\\. Supported: data sets prepared before"
    with pytest.raises(ValueError, match=text):
        datasets.load_split("fashion_mnist", "train", data_dir=str(tmp_path))


def test_a_download_begins_where_a_host_is_known(tmp_path, monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: [HOST])
    with pytest.raises(Begun):
        prepared("fashion_mnist", str(tmp_path))


def test_a_proxy_resolves_by_itself(tmp_path, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://proxy:8080")
    with pytest.raises(Begun):
        prepared("fashion_mnist", str(tmp_path))


@pytest.mark.parametrize("name", ["fashion_mnist", "imagenette"])
def test_what_was_downloaded_before_is_used(name, tmp_path):
    """Beside it, however deep the version of the data set lies."""
    kept = tmp_path / "downloads" / name / "images.gz"
    other = tmp_path / "downloads" / "cifar10" / "images.gz"
    for file in (kept, other):
        file.parent.mkdir(parents=True)
    other.write_bytes(b"")
    with pytest.raises(ConnectionError):
        prepared(name, str(tmp_path))
    kept.write_bytes(b"")
    with pytest.raises(Begun):
        prepared(name, str(tmp_path))


def test_hosts_without_a_proxy_are_no_proxy(tmp_path, monkeypatch):
    monkeypatch.setenv("no_proxy", "localhost")
    with pytest.raises(ConnectionError):
        prepared("fashion_mnist", str(tmp_path))


def test_what_is_downloaded_by_hand_is_left_to_tfds(tmp_path):
    with pytest.raises(Begun):
        prepared("imagenet2012", str(tmp_path))
