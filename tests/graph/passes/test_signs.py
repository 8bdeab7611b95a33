import keras
import pytest

from tfsnn.graph import trace
from tfsnn.graph.passes.signs import never_negative

layers, ops = keras.layers, keras.ops


def is_safe(function):
    x = keras.Input((4, 4, 2))
    graph = trace(keras.Model(x, function(x)))
    return never_negative(graph, graph.model.outputs[0])


def relu(x):
    return layers.ReLU()(x)


@pytest.mark.parametrize(
    "function",
    [
        relu,
        layers.ReLU(threshold=1.0),
        lambda x: layers.Flatten()(layers.MaxPooling2D()(relu(x))),
        lambda x: layers.ZeroPadding2D()(layers.Cropping2D()(relu(x))),
        lambda x: layers.Concatenate()([relu(x), relu(-x)]),
        lambda x: layers.Add()([relu(x), relu(-x)]),
    ],
    ids=["relu", "threshold", "pool", "pad", "concatenate", "add"],
)
def test_never_negative(function):
    assert is_safe(function)


@pytest.mark.parametrize(
    "function",
    [
        layers.Flatten(),
        layers.ReLU(negative_slope=0.1),
        lambda x: layers.Concatenate()([relu(x), x]),
        lambda x: layers.Subtract()([relu(x), relu(-x)]),
        lambda x: layers.Conv2D(2, 1)(relu(x)),
        lambda x: ops.negative(relu(x)),
    ],
    ids=["input", "leaky", "one_of_two", "subtract", "convolution", "op"],
)
def test_may_be_negative(function):
    assert not is_safe(function)


def test_a_long_ladder_is_walked_once():
    """2^60 paths, 60 additions."""

    def ladder(x):
        x = relu(x)
        for _ in range(60):
            x = layers.Add()([x, x])
        return x

    assert is_safe(ladder)
