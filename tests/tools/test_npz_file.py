"""Pairs of arrays by name, never unpickled."""

import numpy as np
import pytest

from tfsnn.errors import DataError
from tfsnn_tools import npz_file

IMAGES = np.ones((3, 2, 2, 1), np.uint8)
LABELS = np.arange(3)


def write(folder, **arrays):
    path = folder / "data.npz"
    np.savez(path, **arrays)
    return str(path)


@pytest.mark.parametrize(
    "images, labels, prefix, split",
    [
        pytest.param("images", "labels", "", None, id="images"),
        pytest.param("x", "y", "", None, id="x"),
        pytest.param("images", "labels", "", "test", id="split-absent"),
        pytest.param("test_images", "test_labels", ":test", None, id="prefix"),
        pytest.param("x_test", "y_test", ":test", "train", id="keras"),
        pytest.param("test_images", "test_labels", "", "test", id="split"),
    ],
)
def test_pair_is_found(tmp_path, images, labels, prefix, split):
    path = write(tmp_path, **{images: IMAGES, labels: LABELS})
    pair = npz_file.read_pair(path + prefix, split)
    np.testing.assert_array_equal(pair.images, IMAGES)
    np.testing.assert_array_equal(pair.labels, LABELS)


def test_split_is_preferred_to_plain_names(tmp_path):
    path = write(tmp_path, images=IMAGES, test_images=IMAGES * 2)
    assert npz_file.read_pair(path, "test").images.max() == 2


def test_labels_are_optional(tmp_path):
    path = write(tmp_path, calibration_images=IMAGES, labels=LABELS)
    assert npz_file.read_pair(f"{path}:calibration", None).labels is None


def test_colons_in_file_names_are_no_prefix(tmp_path):
    path = write(tmp_path, images=IMAGES)
    renamed = tmp_path / "data:test"
    (tmp_path / "data.npz").rename(renamed)
    assert npz_file.read_pair(str(renamed), None).images.shape == IMAGES.shape
    assert path.endswith("data.npz")


@pytest.mark.parametrize(
    "prefix, text",
    [
        pytest.param("", "without images or x. Supp", id="plain"),
        pytest.param(
            ":train",
            "arrays pixels, test_images, but without train_images or x_train",
            id="prefix",
        ),
    ],
)
def test_missing_arrays_are_refused_with_those_found(tmp_path, prefix, text):
    path = write(tmp_path, pixels=IMAGES, test_images=IMAGES)
    with pytest.raises(DataError, match=text):
        npz_file.read_pair(path + prefix, None)


def test_file_without_arrays_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"with the arrays \(none\)"):
        npz_file.read_pair(write(tmp_path), None)


@pytest.mark.parametrize("place", ["absent.npz", "absent.npz:test", "."])
def test_missing_file_is_refused(tmp_path, monkeypatch, place):
    monkeypatch.chdir(tmp_path)
    name = place.partition(":")[0]
    with pytest.raises(DataError, match=f"but '{name}' is not a file"):
        npz_file.read_pair(place, None)


def test_pickled_objects_are_refused(tmp_path):
    path = write(tmp_path, images=np.array([{}, {}], object))
    with pytest.raises(DataError, match="cannot be read as an npz file.*Objec"):
        npz_file.read_pair(path, None)


def test_npy_file_is_refused(tmp_path):
    path = tmp_path / "data.npy"
    np.save(path, IMAGES)
    with pytest.raises(DataError, match="it holds a single array"):
        npz_file.read_pair(str(path), None)


@pytest.mark.parametrize(
    "content", [b"", b"no archive", b"PK\x03\x04broken"], ids=str
)
def test_other_files_are_refused(tmp_path, content):
    path = tmp_path / "data.npz"
    path.write_bytes(content)
    with pytest.raises(DataError, match="cannot be read as an npz file"):
        npz_file.read_pair(str(path), None)


def test_damaged_array_is_refused(tmp_path):
    path = tmp_path / "data.npz"
    np.savez(path, images=np.arange(4096))
    content = bytearray(path.read_bytes())
    content[5000] ^= 255
    path.write_bytes(content)
    with pytest.raises(DataError, match="Bad CRC-32"):
        npz_file.read_pair(str(path), None)
