import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.support.networks import default_dtype, kinds
from tfsnn.graph import trace
from tfsnn.graph.passes import slice_to_pool

LINE, IMAGE = (7, 3), (7, 8, 3)


def model_of(key, shape=IMAGE):
    x = keras.Input(shape)
    return keras.Model(x, x[key])


def left_of(key, shape=IMAGE):
    return kinds(slice_to_pool(trace(model_of(key, shape))).model)


POOLED = {
    "image": (IMAGE, np.s_[:, ::2, ::2]),
    "every_axis_named": (IMAGE, np.s_[:, ::2, ::2, :]),
    "from_zero": (IMAGE, np.s_[:, 0::2, 0::2]),
    "different_steps": (IMAGE, np.s_[:, ::3, ::2]),
    "rows": (IMAGE, np.s_[:, ::2]),
    "columns": (IMAGE, np.s_[:, :, ::2]),
    "longer_than_the_image": (IMAGE, np.s_[:, ::9, ::2]),
    "unknown_size": ((None, None, 3), np.s_[:, ::2, ::2]),
    "line": (LINE, np.s_[:, ::2]),
}


@pytest.mark.parametrize(("shape", "key"), POOLED.values(), ids=POOLED)
@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16"])
def test_outputs_stay(shape, key, dtype, rng):
    with default_dtype(dtype):
        model = model_of(key, shape)
    graph = slice_to_pool(trace(model))
    assert kinds(graph.model) == [f"MaxPooling{len(shape) - 1}D"]
    sizes = [size or 5 for size in shape]
    inputs = tf.constant(rng.normal(size=(2, *sizes)), dtype)
    got, wanted = graph.model(inputs), model(inputs)
    assert got.dtype == wanted.dtype == dtype
    np.testing.assert_array_equal(got, wanted)


STAYING = {
    "batch": (IMAGE, np.s_[::2, ::2]),
    "later_start": (IMAGE, np.s_[:, 1::2, ::2]),
    "earlier_end": (IMAGE, np.s_[:, :5:2, ::2]),
    "backwards": (IMAGE, np.s_[:, ::-1, ::2]),
    "channels": (IMAGE, np.s_[:, ::2, ::2, ::2]),
    "whole": (IMAGE, np.s_[:, :, :]),
    "ellipsis": (IMAGE, np.s_[..., ::2]),
    "one_row": (IMAGE, np.s_[:, 0]),
    "new_axis": (IMAGE, np.s_[:, None, ::2]),
    "no_feature_map": ((6,), np.s_[:, ::2]),
    "volume": ((4, 5, 6, 3), np.s_[:, ::2, ::2, ::3]),
}


@pytest.mark.parametrize(("shape", "key"), STAYING.values(), ids=STAYING)
def test_stays(shape, key):
    assert left_of(key, shape) == ["GetItem"]


def test_reloaded_model(tmp_path):
    model_of(np.s_[:, ::2, ::2]).save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert kinds(slice_to_pool(trace(loaded)).model) == ["MaxPooling2D"]


def test_applied_twice():
    graph = slice_to_pool(trace(model_of(np.s_[:, ::2])))
    assert kinds(slice_to_pool(graph).model) == kinds(graph.model)


def test_name():
    before = trace(model_of(np.s_[:, ::2]))
    after = slice_to_pool(before)
    assert [f"{call.name}_pool" for call in before] == [
        call.name for call in after
    ]
