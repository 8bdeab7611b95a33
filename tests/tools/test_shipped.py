import numpy as np
import pytest

from tfsnn.errors import DataError, ModelFileError
from tfsnn_tools import shipped


def test_sample_is_complete():
    with np.load(shipped.sample("fashion_mnist")) as arrays:
        shapes = {name: arrays[name].shape for name in arrays}
        assert all(arrays[name].dtype == np.uint8 for name in arrays)
    assert shapes == {
        "calibration_images": (1024, 28, 28, 1),
        "calibration_labels": (1024,),
        "test_images": (2000, 28, 28, 1),
        "test_labels": (2000,),
    }


def test_sample_is_small_and_has_its_licence():
    path = shipped.sample("fashion_mnist")
    notice = (path.parent / "README.md").read_text(encoding="utf-8")
    assert path.stat().st_size <= 3e6
    assert "Copyright (c) 2017 Zalando SE" in notice
    assert "Permission is hereby granted, free of charge" in notice


def test_sample_has_every_class_in_both_parts():
    with np.load(shipped.sample("fashion_mnist")) as arrays:
        for part in ("calibration", "test"):
            labels = np.unique(arrays[f"{part}_labels"])
            np.testing.assert_array_equal(labels, np.arange(10))


@pytest.mark.parametrize(
    ("find", "error"),
    [(shipped.sample, DataError), (shipped.network, ModelFileError)],
)
def test_missing_file(find, error):
    with pytest.raises(error, match="no_such.*Install tfsnn again"):
        find("no_such")


def test_network(tmp_path, monkeypatch):
    monkeypatch.setattr(shipped, "ROOT", tmp_path)
    path = tmp_path / "weights" / "tiny.keras"
    path.parent.mkdir()
    path.touch()
    assert shipped.network("tiny") == path
