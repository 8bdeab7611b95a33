"""Refusals and numbers; tests/conformance/test_passes.py has the table."""

import keras
import numpy as np
import pytest

from tests.support.networks import (
    default_dtype,
    kinds,
    outputs_of,
    random_inputs,
    with_random_weights,
)
from tfsnn.graph import trace
from tfsnn.graph.passes import fold_batch_norm
from tfsnn.layers import ChannelAffine

layers = keras.layers
BN = layers.BatchNormalization


def model_of(*stack, shape=(8, 8, 2)):
    rng = np.random.default_rng(0)
    model = keras.Sequential([keras.Input(shape), *stack])
    return with_random_weights(model, rng)


def folded(*stack, shape=(8, 8, 2)):
    return fold_batch_norm(trace(model_of(*stack, shape=shape)))


def test_equation_19():
    model = model_of(layers.Dense(3), BN(epsilon=0.01), shape=(4,))
    kernel, bias, gamma, beta, mean, variance = model.get_weights()
    graph = fold_batch_norm(trace(model))
    new_kernel, new_bias = graph.model.get_weights()
    deviation = np.sqrt(variance + 0.01)
    # float32 weights, folded in float64
    np.testing.assert_allclose(
        new_kernel, kernel * gamma / deviation, rtol=1e-6
    )
    np.testing.assert_allclose(
        new_bias, beta + (bias - mean) * gamma / deviation, atol=1e-6
    )


def test_producer_gets_a_bias_and_keeps_its_name():
    graph = folded(layers.Conv2D(3, 3, use_bias=False, name="a"), BN())
    (call,) = graph
    assert call.name == "a"
    assert call.operation.use_bias


def test_consumer_gets_a_bias_and_keeps_its_activation():
    layer = layers.Conv2D(3, 3, use_bias=False, activation="tanh")
    (call,) = folded(BN(), layer)
    assert call.operation.use_bias
    assert call.operation.activation is keras.activations.tanh


def test_padded_consumer_takes_a_scale_alone():
    model = model_of(BN(center=False), layers.Conv2D(3, 3, padding="same"))
    norm = model.layers[0]
    norm.moving_mean.assign(np.zeros(2))
    assert kinds(fold_batch_norm(trace(model)).model) == ["Conv2D"]


def test_producer_goes_before_consumer():
    graph = folded(layers.Dense(3, name="a"), BN(), layers.Dense(2, name="b"))
    alone = folded(layers.Dense(3), BN())
    assert [call.name for call in graph] == ["a", "b"]
    np.testing.assert_array_equal(
        graph.model.get_weights()[0], alone.model.get_weights()[0]
    )


def test_fused_activation_is_not_folded_over():
    graph = folded(layers.Conv2D(3, 3, activation="relu"), BN())
    assert kinds(graph.model) == ["Conv2D", "ChannelAffine"]


def test_affine_in_between():
    graph = folded(layers.ReLU(), BN(name="norm"), layers.ReLU())
    _, call, _ = graph
    assert type(call.operation) is ChannelAffine
    assert call.name == "norm_affine"
    assert call.operation.dtype_policy.name == "float32"


def test_unknown_layers_are_not_folded_into():
    layer = layers.EinsumDense("abcd,de->abce", (None, None, 3))
    assert kinds(folded(layer, BN()).model) == ["EinsumDense", "ChannelAffine"]


def test_adapters_are_not_folded_into():
    layer = layers.Dense(3)
    model = model_of(layer, BN(), shape=(4,))
    layer.enable_lora(1)
    graph = fold_batch_norm(trace(model))
    assert kinds(graph.model) == ["Dense", "ChannelAffine"]


class Standardized(layers.Conv2D):
    """A convolution whose kernel has no scale of its own."""

    def convolution_op(self, inputs, kernel):
        kernel = kernel / keras.ops.std(kernel)
        return super().convolution_op(inputs, kernel)


class Named(layers.Conv2D):
    """A convolution with another name."""


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (Standardized(3, 3), ["Standardized", "ChannelAffine"]),
        (Named(3, 3), ["Named"]),
    ],
    ids=["other", "same"],
)
def test_subclass_by_its_computation(layer, expected):
    assert kinds(folded(layer, BN()).model) == expected


def test_forced_training_stays():
    x = keras.Input((8, 8, 2))
    y = BN()(layers.Conv2D(3, 3)(x), training=True)
    graph = fold_batch_norm(trace(keras.Model(x, y)))
    assert kinds(graph.model) == ["Conv2D", "BatchNormalization"]


def channels_first_or_last(data_format):
    axis = 1 if data_format == "channels_first" else -1
    shape = (2, 8, 8) if axis == 1 else (8, 8, 2)
    stack = [
        BN(axis=axis),
        layers.Conv2D(3, 3, data_format=data_format),
        BN(axis=axis),
        BN(axis=axis),
    ]
    return folded(*stack, shape=shape)


def test_channels_first_as_channels_last():
    """Compared by weights: not every CPU runs convolutions channels first."""
    first = channels_first_or_last("channels_first")
    last = channels_first_or_last("channels_last")
    assert kinds(first.model) == kinds(last.model) == ["Conv2D"]
    for a, b in zip(
        first.model.get_weights(), last.model.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("axis", "left"),
    [(-1, "ChannelAffine"), (2, "BatchNormalization")],
    ids=["last", "middle"],
)
@pytest.mark.parametrize("norm_first", [True, False])
def test_another_axis_than_the_channels(axis, left, norm_first):
    layer = layers.Conv2D(3, 3, data_format="channels_first")
    stack = [BN(axis=axis), layer] if norm_first else [layer, BN(axis=axis)]
    found = kinds(folded(*stack, shape=(2, 8, 8)).model)
    assert found == ([left, "Conv2D"] if norm_first else ["Conv2D", left])


def test_extreme_statistics(rng):
    """Dead and huge channels; float64, so that only the algebra is tested."""
    with default_dtype("float64"):
        model = model_of(layers.Conv2D(3, 3), BN(), layers.ReLU())
        norm = model.layers[1]
        norm.gamma.assign([0.0, 1e3, -1e-3])
        norm.moving_variance.assign([0.0, 1e-12, 1e12])
        inputs = random_inputs(model, rng)
        graph = fold_batch_norm(trace(model))
        np.testing.assert_allclose(
            outputs_of(graph.model, inputs),
            outputs_of(model, inputs),
            rtol=1e-9,
        )
