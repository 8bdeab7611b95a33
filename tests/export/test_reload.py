"""Exports in a fresh process."""

import json
import pathlib
import shutil
import sys

import keras
import numpy as np
import pytest

from tests.support.spiking_networks import classifier, images, spiking
from tfsnn.errors import ModelFileError, ReloadError
from tfsnn.export import export_saved_model, reload, reload_check, second_batch
from tfsnn.export.reload import ReloadRecord

IMAGES = images(4)


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    """Tests only read it."""
    folder = tmp_path_factory.mktemp("reload") / "net"
    network = classifier()
    shares = keras.layers.Softmax(name="shares")(network.output)
    network = keras.Model(network.input, shares)
    models = {T: spiking(network, timesteps=T) for T in (2, 129)}
    return export_saved_model(models, folder)


class Child:
    """Stands in for the fresh process; its outputs are those expected."""

    def __init__(self, record):
        self.outputs = {
            f"{T}/{number}/{name}": value
            for number, batch in enumerate([IMAGES, second_batch(IMAGES)])
            for T, found in record.expected(batch).items()
            for name, value in found.items()
        }
        self.imported = ["numpy", "tensorflow"]

    def __call__(self, command, folder, seconds):
        np.savez(folder / "outputs.npz", **self.outputs)
        facts = json.dumps({"imported": self.imported})
        (folder / "facts.json").write_text(facts)


@pytest.fixture
def child(record, monkeypatch):
    made = Child(record)
    monkeypatch.setattr(reload, "_start", made)
    return made


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Lets the fresh process run another program."""

    def write(text):
        path = tmp_path / "program.py"
        path.write_text(text)
        monkeypatch.setattr(reload, "CHILD", path)

    return write


def check(record, **options):
    return reload_check(record.path, IMAGES, record.expected(IMAGES), **options)


def test_fresh_process_gives_the_same_bits(record):
    """The one test that waits for a real process and TensorFlow in it."""
    records = check(
        record, expected_second=record.expected(second_batch(IMAGES))
    )
    assert records == {
        T: ReloadRecord(T, True, 0.0, 4, 2, True, 0.0) for T in (2, 129)
    }


def test_logits_alone_may_be_expected(record, child):
    expected = {T: x["logits"] for T, x in record.expected(IMAGES).items()}
    records = reload_check(record.path, IMAGES, expected)
    assert records[2].to_dict() == {
        "timesteps": 2,
        "equal": True,
        "max_difference": 0.0,
        "batch_size": 4,
        "second_batch_size": 2,
        "second_equal": None,
        "second_max_difference": 0.0,
    }


@pytest.mark.parametrize(
    "change",
    [
        lambda x: x + 0.5,
        lambda x: np.nextafter(x, np.float32(9)),
        lambda x: x.astype("float64"),
        lambda x: x[:3],
    ],
    ids=["values", "last bit", "dtype", "shape"],
)
def test_differences_are_told(record, child, change):
    child.outputs["129/0/logits"] = change(child.outputs["129/0/logits"])
    with pytest.raises(
        ReloadError, match=r"other outputs than before.*T=129: .* at batch"
    ):
        check(record)


def test_largest_difference_is_told(record, child):
    child.outputs["2/0/logits"] = child.outputs["2/0/logits"] + 0.5
    with pytest.raises(ReloadError, match="T=2: 0.5 at batch 4"):
        check(record)


def test_a_missing_output_is_a_difference(record, child):
    del child.outputs["2/0/probabilities"]
    with pytest.raises(ReloadError, match="T=2: inf at batch 4"):
        check(record)


def test_second_batch_is_compared_where_it_is_expected(record, child):
    second = record.expected(second_batch(IMAGES))
    child.outputs["2/1/logits"] = child.outputs["2/1/logits"] + 0.5
    with pytest.raises(ReloadError, match="T=2: 0 at batch 4, 0.5 at 2"):
        check(record, expected_second=second)


def test_second_batch_is_only_looked_at_else(record, child):
    child.outputs["2/1/logits"] = child.outputs["2/0/logits"][:2] + 1
    found = check(record)[2]
    assert found.second_equal is None
    # 1 is added in float32.
    assert found.second_max_difference == pytest.approx(1, rel=1e-6)


def test_second_batch_has_to_be_finite(record, child):
    child.outputs["2/1/logits"] = np.nan * child.outputs["2/1/logits"]
    with pytest.raises(ReloadError, match="T=2: 0 at batch 4"):
        check(record)


def test_process_without_the_library_is_required(record, child):
    child.imported.append("tfsnn")
    with pytest.raises(ReloadError, match="has imported tfsnn"):
        check(record)


def test_versions_have_to_be_those_expected(record):
    expected = {2: np.zeros((4, 3))}
    with pytest.raises(ReloadError, match=r"T=\[2\].*holds \[2, 129\]"):
        reload_check(record.path, IMAGES, expected)


def test_changed_files_are_refused(record, tmp_path):
    copy = shutil.copytree(record.path, tmp_path / "copy")
    (copy / "100002" / "saved_model.pb").write_bytes(b"")
    with pytest.raises(
        ReloadError, match="as they were.*: 100002/saved_model.pb"
    ):
        reload_check(copy, IMAGES, {})


def test_folder_without_manifest_is_refused(tmp_path):
    with pytest.raises(ModelFileError, match="holds no manifest.json"):
        reload_check(tmp_path, IMAGES, {})


def test_failing_process_is_told_with_its_last_words(record, program):
    program("raise SystemExit('no such operation')")
    with pytest.raises(
        ReloadError, match=r"(?s)ended with code 1.*no such operation\nThe"
    ):
        check(record)


def test_slow_process_is_stopped(record, program):
    program("import time; time.sleep(60)")
    with pytest.raises(ReloadError, match="stopped after 0.5 seconds"):
        check(record, seconds=0.5)


def test_process_starts_where_nothing_can_be_found(record, program, tmp_path):
    """Neither the package nor the current folder is on its path."""
    seen = tmp_path / "seen.json"
    program(
        "import json, pathlib, sys\n"
        f"pathlib.Path({str(seen)!r}).write_text(json.dumps(sys.path))\n"
        "raise SystemExit(1)"
    )
    with pytest.raises(ReloadError):
        check(record)
    package = str(pathlib.Path(reload.__file__).parent)
    assert package in str(reload.__file__)
    assert package not in json.loads(seen.read_text())


@pytest.mark.parametrize("size, second", [(1, 2), (2, 1), (5, 2)])
def test_second_batch_has_another_size(size, second):
    assert second_batch(images(size)).shape == (second, *IMAGES.shape[1:])


def test_program_needs_neither_library_nor_keras():
    """Only what its first lines import; the rest comes after the block."""
    text = (
        pathlib.Path(reload.__file__).with_name("reload_child.py").read_text()
    )
    assert "from ." not in text
    assert "import tfsnn" not in text
    assert sys.modules["tfsnn"] is not None
