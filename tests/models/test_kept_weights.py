import keras
import numpy as np
import pytest

from tfsnn_models.kept_weights import KeptWeights


def network(value):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.set_weights([np.full((2, 1), value), np.zeros(1)])
    return model


@pytest.mark.parametrize("numbers", [(1, 2, 10), (1e-9, 0.25, 1 / 3)])
def test_the_last_ones_are_there_with_their_number(tmp_path, numbers):
    kept = KeptWeights(tmp_path / "new", "step")
    assert (kept.number, kept.path) == (None, None)
    for number in numbers:
        kept.keep(network(number), number)
        assert KeptWeights(tmp_path / "new", "step").number == number
        assert list(kept.folder.iterdir()) == [kept.path]
    model = network(0)
    model.load_weights(kept.path)
    np.testing.assert_allclose(model.layers[0].kernel, numbers[-1])


def test_whenever_the_process_ends(tmp_path, monkeypatch):
    """While it writes, or before it has removed what was there."""
    kept = KeptWeights(tmp_path, "epoch")
    kept.keep(network(1), 1)
    first = kept.path.read_bytes()

    def cut_off(self, path):
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(keras.Model, "save_weights", cut_off)
        with pytest.raises(KeyboardInterrupt):
            kept.keep(network(2), 2)
    assert (kept.number, kept.path.read_bytes()) == (1, first)
    kept.keep(network(2), 2)
    (tmp_path / "epoch-1.weights.h5").write_bytes(first)
    assert kept.number == 2
    kept.keep(network(3), 3)
    kept.keep(network(3), 3)
    assert [file.name for file in tmp_path.iterdir()] == ["epoch-3.weights.h5"]
