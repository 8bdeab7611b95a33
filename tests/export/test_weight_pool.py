"""Equal weights, stored once."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfsnn.export.weight_pool import WeightPool


def dense(kernel, bias):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    model.set_weights([np.float32(kernel), np.float32(bias)])
    return model


EYE = [[1, 0], [0, 1]]


def test_models_share_what_is_equal():
    pool = WeightPool()
    pool.reading(dense(EYE, [1, 2]), lambda: None)
    pool.reading(dense(EYE, [3, 4]), lambda: None)
    values = [variable.numpy().tolist() for variable in pool.variables]
    assert values == [EYE, [1, 2], [3, 4]]
    assert pool.num_bytes == 4 * (4 + 2 + 2)


def test_equal_bytes_of_another_shape_are_another_variable():
    pool = WeightPool()
    for shape in ((4,), (2, 2)):
        pool._stored(np.zeros(shape, "float32"))
    assert len(pool.variables) == 2


def test_a_function_reads_the_pool():
    pool, model = WeightPool(), dense(EYE, [1, 2])
    run = tf.function(pool.reading(model, model), autograph=False)
    concrete = run.get_concrete_function(tf.TensorSpec([None, 2], tf.float32))
    assert {id(v) for v in concrete.variables} == {
        id(v) for v in pool.variables
    }
    model.set_weights([np.zeros((2, 2)), np.zeros(2)])
    assert concrete(tf.ones([1, 2])).numpy().tolist() == [[2, 3]]


@pytest.mark.parametrize("dtype", ["float64", "bfloat16"])
def test_dtypes_are_kept(dtype):
    pool = WeightPool()
    layer = keras.layers.Dense(1, dtype=dtype)
    layer.build((None, 1))
    pool.reading(layer, lambda: None)
    assert {variable.dtype.name for variable in pool.variables} == {dtype}
