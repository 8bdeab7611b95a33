"""The floor that gradients pass through."""

import numpy as np
import pytest
import tensorflow as tf

from tfsnn.dynamics import straight_through_floor

VALUES = np.array([-1.5, -1.0, -0.25, 0.0, 0.75, 1.0, 2.5])
DTYPES = ["float32", "float64", "bfloat16"]


def value_and_gradient(x):
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = straight_through_floor(x)
    return y, tape.gradient(y, x)


WAYS = {
    "eager": value_and_gradient,
    "graph": tf.function(value_and_gradient),
    "xla": tf.function(value_and_gradient, jit_compile=True),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("way", WAYS)
def test_forward_is_floor(way, dtype):
    y, _ = WAYS[way](tf.constant(VALUES, dtype))
    assert y.dtype == dtype
    np.testing.assert_array_equal(y, np.floor(VALUES))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("way", WAYS)
def test_gradient_is_one_everywhere(way, dtype):
    _, gradient = WAYS[way](tf.constant(VALUES, dtype))
    assert gradient.dtype == dtype
    np.testing.assert_array_equal(gradient, np.ones_like(VALUES))


def test_gradient_passes_what_comes_from_above():
    x = tf.constant(VALUES)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.reduce_sum(3.0 * straight_through_floor(2.0 * x))
    np.testing.assert_array_equal(tape.gradient(y, x), np.full(7, 6.0))


def test_any_shape_is_kept():
    assert straight_through_floor(tf.zeros((0, 2, 3))).shape == (0, 2, 3)
