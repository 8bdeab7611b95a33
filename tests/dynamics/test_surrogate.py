"""The floor that gradients pass through."""

import gc
import weakref

import numpy as np
import pytest
import tensorflow as tf

from tfsnn.dynamics import straight_through_floor
from tfsnn.dynamics.surrogate import train_by_recency

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


FUNCTIONS = {
    "floor": straight_through_floor,
    "train": lambda x: train_by_recency(
        tf.zeros_like(x), tf.ones_like(x), x, 0.3, 0.01
    ),
}


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_graphs_with_it_are_freed(function):
    """With the data they have captured; a registry keeps custom gradients."""

    def run(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = function(x)
        return tape.gradient(y, x)

    def trace():
        spec = tf.TensorSpec([None, 7], tf.float32)
        graph = tf.function(run, input_signature=[spec])
        graph = graph.get_concrete_function()
        assert graph(tf.ones((2, 7))).shape == (2, 7)
        return weakref.ref(graph.graph)

    kept = trace(), trace()
    gc.collect()
    assert [graph() for graph in kept] == [None, None]


def test_axes_of_any_size_stay_known():
    @tf.function(input_signature=[tf.TensorSpec([None, None, 3])])
    def run(x):
        assert straight_through_floor(x).shape.as_list() == [None, None, 3]
        return straight_through_floor(x)

    assert run(tf.zeros((1, 2, 3))).shape == (1, 2, 3)


@pytest.mark.parametrize("way", ["eager", "graph", "xla"])
def test_trains_pass_on_what_decays_with_recency(way):
    rng = np.random.default_rng(0)
    train = rng.integers(0, 2, (5, 2, 3)).astype("float32")
    elapsed = rng.integers(1, 9, (5, 2, 3)).astype("float32")
    upstream = rng.normal(size=(5, 2, 3)).astype("float32")

    def run(charged):
        with tf.GradientTape() as tape:
            tape.watch(charged)
            found = train_by_recency(train, elapsed, charged, 0.3, 0.5)
        return found, tape.gradient(found, charged, upstream)

    if way != "eager":
        run = tf.function(run, jit_compile=way == "xla")
    found, gradient = run(tf.fill((5, 2, 3), np.float32(np.inf)))
    np.testing.assert_array_equal(found, train)
    expected = upstream * 0.3 * np.exp(-0.5 * elapsed)
    np.testing.assert_allclose(gradient, expected, rtol=1e-5)
