import keras
import numpy as np
import pytest

from tests.support.networks import kinds
from tfsnn.graph import trace
from tfsnn.graph.passes import split_activations

layers = keras.layers


def split(*stack, shape=(8, 8, 2)):
    return split_activations(
        trace(keras.Sequential([keras.Input(shape), *stack]))
    )


@pytest.mark.parametrize(
    ("make", "rank"),
    [
        (lambda act: layers.Conv1D(2, 1, activation=act), 2),
        (lambda act: layers.Conv2D(2, 1, activation=act), 3),
        (lambda act: layers.Conv3D(2, 1, activation=act), 4),
        (lambda act: layers.Conv1DTranspose(2, 1, activation=act), 2),
        (lambda act: layers.Conv2DTranspose(2, 1, activation=act), 3),
        (lambda act: layers.Conv3DTranspose(2, 1, activation=act), 4),
        (lambda act: layers.DepthwiseConv1D(1, activation=act), 2),
        (lambda act: layers.DepthwiseConv2D(1, activation=act), 3),
        (lambda act: layers.SeparableConv1D(2, 1, activation=act), 2),
        (lambda act: layers.SeparableConv2D(2, 1, activation=act), 3),
        (lambda act: layers.Dense(2, activation=act), 2),
        (lambda act: layers.EinsumDense("abc,cd->abd", (4, 2), act), 2),
    ],
    ids=[
        *("conv1d", "conv2d", "conv3d"),
        *("transpose1d", "transpose2d", "transpose3d"),
        *("depthwise1d", "depthwise2d", "separable1d", "separable2d"),
        *("dense", "einsum"),
    ],
)
def test_every_affine_layer(make, rank):
    layer = make("relu")
    graph = split(layer, shape=(4,) * (rank - 1) + (2,))
    first, second = graph
    assert first.kind == type(layer).__name__
    assert first.operation.activation is keras.activations.linear
    assert second.kind == "ReLU"


@pytest.mark.parametrize(
    ("activation", "kind", "name"),
    [
        ("relu", "ReLU", "a_relu"),
        ("relu6", "ReLU", "a_relu"),
        (keras.ops.relu, "ReLU", "a_relu"),
        (layers.ReLU(max_value=2.0), "ReLU", "a_relu"),
        (layers.LeakyReLU(), "LeakyReLU", "a_leakyrelu"),
        ("softmax", "Activation", "a_softmax"),
        ("gelu", "Activation", "a_gelu"),
    ],
    ids=["relu", "relu6", "function", "layer", "leaky", "softmax", "gelu"],
)
def test_every_activation(activation, kind, name):
    graph = split(layers.Dense(3, activation=activation, name="a"))
    assert [call.kind for call in graph] == ["Dense", kind]
    assert [call.name for call in graph] == ["a", name]


@pytest.mark.parametrize(
    ("activation", "maximum"),
    [("relu", None), ("relu6", 6), (layers.ReLU(max_value=2.0), 2)],
    ids=["relu", "relu6", "layer"],
)
def test_maximum_of_the_relu(activation, maximum):
    _, relu = split(layers.Dense(3, activation=activation))
    assert relu.operation.max_value == maximum


def test_linear_layers_stay():
    assert kinds(split(layers.Dense(3)).model) == ["Dense"]


def test_weights_stay():
    source = trace(
        keras.Sequential([keras.Input((4,)), layers.Dense(3, "relu")])
    )
    graph = split_activations(source)
    np.testing.assert_array_equal(
        graph.model.get_weights()[0], source.model.get_weights()[0]
    )


def test_activation_with_weights_stays():
    x = keras.Input((4,))
    layer = layers.Dense(3, activation=layers.PReLU())
    model = keras.Model(x, layer(x))
    model(np.ones((1, 4)))  # only now PReLU has its weight
    graph = split_activations(trace(model))
    assert kinds(graph.model) == ["Dense"]
    assert len(graph.model.weights) == 3


def test_activation_keeps_the_dtype_policy():
    policy = "mixed_bfloat16"
    graph = split(layers.Dense(3, activation="relu", dtype=policy))
    assert [call.operation.dtype_policy.name for call in graph] == [policy] * 2


def test_one_activation_a_use():
    x = keras.Input((3,))
    layer = layers.Dense(3, activation="relu", name="a")
    graph = split_activations(trace(keras.Model(x, layer(layer(x)))))
    names = [call.name for call in graph]
    assert names == ["a", "a_relu", "a", "a_relu_1"]


def test_taken_names_are_avoided():
    relu = layers.ReLU(name="a_relu")
    graph = split(layers.Dense(3, activation="relu", name="a"), relu)
    assert [call.name for call in graph] == ["a", "a_relu_1", "a_relu"]


class Doubled(layers.Dense):
    """Does something behind its activation."""

    def call(self, inputs, training=None):
        return 2 * super().call(inputs)


class Named(layers.Dense):
    """A dense layer with another name."""


def test_subclass_with_another_computation_stays():
    graph = split(Doubled(3, activation="relu"))
    assert kinds(graph.model) == ["Doubled"]


def test_subclass_with_the_same_computation_is_split():
    graph = split(Named(3, activation="relu"))
    assert kinds(graph.model) == ["Named", "ReLU"]
