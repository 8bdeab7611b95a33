import io

import numpy as np
import pytest
import tensorflow as tf
from absl import app

from tfsnn_models import datasets
from tfsnn_tools import make_sample

COUNTS = {"train": 50, "test": 40}


@pytest.fixture
def stored_order(monkeypatch):
    """Replaces the data set by a small one; gives a way to reorder it."""
    rng = np.random.default_rng(0)
    images = {
        split: rng.integers(0, 256, (count, 4, 4, 1), np.uint8)
        for split, count in COUNTS.items()
    }
    labels = {
        split: images[split].sum(axis=(1, 2, 3)).astype(np.int64) % 10
        for split in COUNTS
    }
    step = [1]

    def load_split(name, split, *, data_dir=None):
        assert name == "fashion_mnist"
        rows = slice(None, None, step[0])
        return tf.data.Dataset.from_tensor_slices(
            (images[split][rows], labels[split][rows])
        )

    monkeypatch.setattr(datasets, "load_split", load_split)
    monkeypatch.setattr(
        make_sample, "PARTS", {"calibration": ("train", 8), "test": ("test", 5)}
    )
    return step


def draw(path, *flags):
    assert make_sample.main(["make_sample", f"--output={path}", *flags]) == 0
    with np.load(path) as arrays:
        return dict(arrays)


def test_arrays(stored_order, tmp_path, capsys):
    arrays = draw(tmp_path / "a.npz")
    shapes = {name: array.shape for name, array in arrays.items()}
    assert shapes == {
        "calibration_images": (8, 4, 4, 1),
        "calibration_labels": (8,),
        "test_images": (5, 4, 4, 1),
        "test_labels": (5,),
    }
    assert {array.dtype for array in arrays.values()} == {np.dtype(np.uint8)}
    assert str(tmp_path / "a.npz") in capsys.readouterr().out


def test_labels_belong_to_images(stored_order, tmp_path):
    arrays = draw(tmp_path / "a.npz")
    for part in ("calibration", "test"):
        sums = arrays[f"{part}_images"].sum(axis=(1, 2, 3)) % 10
        np.testing.assert_array_equal(arrays[f"{part}_labels"], sums)


def test_same_seed_same_bytes_in_any_stored_order(stored_order, tmp_path):
    draw(tmp_path / "a.npz")
    stored_order[0] = -1
    draw(tmp_path / "b.npz")
    first, second = (tmp_path / name for name in ("a.npz", "b.npz"))
    assert first.read_bytes() == second.read_bytes()


def test_another_seed_draws_others(stored_order, tmp_path):
    first = draw(tmp_path / "a.npz", "--seed=0")
    second = draw(tmp_path / "b.npz", "--seed=1")
    assert np.any(first["test_images"] != second["test_images"])


def test_no_temporary_file_is_left(stored_order, tmp_path):
    draw(tmp_path / "a.npz")
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]


def test_output_is_required():
    with pytest.raises(app.UsageError, match="--output is missing"):
        make_sample.main(["make_sample"])


def test_npz_bytes_are_read_by_numpy(rng):
    array = rng.normal(size=(3, 2))
    content = make_sample.npz_bytes({"x": array})
    with np.load(io.BytesIO(content)) as arrays:
        np.testing.assert_array_equal(arrays["x"], array)
