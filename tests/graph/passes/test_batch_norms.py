import keras
import numpy as np
import pytest

from tests.support.networks import with_random_weights
from tfsnn.graph import trace
from tfsnn.graph.passes.batch_norms import (
    batch_norm_axis,
    combined_affine,
    following_batch_norms,
    is_batch_norm,
)

layers = keras.layers
BN = layers.BatchNormalization


def graph_of(function):
    x = keras.Input((4, 4, 2))
    return trace(keras.Model(x, function(x)))


class Odd(BN):
    """Not affine."""

    def call(self, inputs, training=None, mask=None):
        return inputs**2


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (BN(), True),
        (lambda x: BN()(x, training=False), True),
        (lambda x: BN()(x, training=True), False),
        (layers.LayerNormalization(), False),
        (Odd(), False),
    ],
    ids=["plain", "inference", "training", "other", "override"],
)
def test_is_batch_norm(function, expected):
    (call,) = graph_of(function)
    assert is_batch_norm(call) is expected


@pytest.mark.parametrize(("axis", "expected"), [(-1, 3), (3, 3), (1, 1)])
def test_axis_counts_from_zero(axis, expected):
    (call,) = graph_of(BN(axis=axis))
    assert batch_norm_axis(call) == expected


@pytest.mark.parametrize(
    ("function", "length"),
    [
        (lambda x: BN()(BN()(-x)), 2),
        (lambda x: BN(axis=1)(BN()(-x)), 1),
        (lambda x: layers.ReLU()(BN()(-x)), 1),
        (lambda x: layers.ReLU()(-x), 0),
    ],
    ids=["two", "axis", "relu", "none"],
)
def test_chain(function, length):
    graph = graph_of(function)
    first, *others = graph
    assert following_batch_norms(graph, first, 3) == others[:length]


@pytest.mark.parametrize("scale", [True, False])
@pytest.mark.parametrize("center", [True, False])
def test_affine_of_a_chain(scale, center, rng):
    graph = graph_of(lambda x: BN()(BN(scale=scale, center=center)(x)))
    model = with_random_weights(graph.model, rng)
    scale, shift = combined_affine(list(graph))
    inputs = rng.normal(size=(3, 4, 4, 2)).astype("float32")
    # float32 layers
    np.testing.assert_allclose(
        model(inputs), inputs * scale + shift, rtol=1e-5, atol=1e-5
    )
