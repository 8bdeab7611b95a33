import keras
import pytest

from tfsnn.graph import trace
from tfsnn.graph.passes import canonical_relu

layers, ops = keras.layers, keras.ops
SLOPE = 0.25


def canonical(function, dtype="float32"):
    x = keras.Input((4,), dtype=dtype)
    return canonical_relu(trace(keras.Model(x, function(x))))


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (layers.ReLU(), (None, 0, 0)),
        (layers.ReLU(2.0, SLOPE, 0.5), (2, SLOPE, 0.5)),
        (layers.Activation("relu"), (None, 0, 0)),
        (layers.Activation("relu6"), (6, 0, 0)),
        (layers.Activation(layers.ReLU(max_value=2.0)), (2, 0, 0)),
        (ops.relu, (None, 0, 0)),
        (ops.relu6, (6, 0, 0)),
        (keras.activations.relu, (None, 0, 0)),
        (lambda x: keras.activations.relu(x, SLOPE, 2.0), (2, SLOPE, 0)),
        (lambda x: ops.maximum(0.0, x), (None, 0, 0)),
        (lambda x: ops.clip(x, 0, 1.5), (1.5, 0, 0)),
    ],
    ids=[
        *("layer", "layer_with_arguments"),
        *("activation", "activation6", "activation_layer"),
        *("ops", "ops6", "function", "function_with_arguments"),
        *("maximum", "clip"),
    ],
)
def test_every_form(function, arguments):
    (call,) = canonical(function)
    relu = call.operation
    assert type(relu) is layers.ReLU
    assert (relu.max_value, relu.negative_slope, relu.threshold) == arguments


@pytest.mark.parametrize(
    "function",
    [
        layers.LeakyReLU(),
        layers.Activation("gelu"),
        lambda x: ops.maximum(x, 0.5),
        lambda x: ops.clip(x, -1.0, 1.0),
        ops.leaky_relu,
    ],
    ids=["leaky_layer", "activation", "maximum", "clip", "leaky_op"],
)
def test_others_stay(function):
    (call,) = canonical(function)
    assert not isinstance(call.operation, layers.ReLU)


class Relu(keras.Operation):
    """Not the one of Keras."""

    def call(self, x):
        return -x

    def compute_output_spec(self, x):
        return keras.KerasTensor(x.shape, x.dtype)


def test_a_namesake_stays():
    (call,) = canonical(Relu())
    assert call.kind == "Relu"


class Negative(layers.ReLU):
    """A ReLU that is none."""

    def call(self, inputs):
        return -inputs


def test_a_subclass_with_another_computation_stays():
    (call,) = canonical(Negative())
    assert call.kind == "Negative"


def test_name_stays():
    (call,) = canonical(layers.Activation("relu", name="act"))
    assert call.name == "act"


def test_name_of_an_operation_stays():
    x = keras.Input((4,))
    graph = trace(keras.Model(x, ops.relu(x)))
    (before,), (after,) = graph, canonical_relu(graph)
    assert after.name == before.name


def test_one_layer_a_use():
    relu = layers.ReLU(name="relu")
    graph = canonical(lambda x: relu(relu(relu(x) - 1) - 1))
    relus = [call for call in graph if call.kind == "ReLU"]
    assert [call.name for call in relus] == ["relu", "relu_1", "relu_2"]
    assert len({id(call.operation) for call in relus}) == 3


def test_layer_keeps_its_dtype_policy():
    (call,) = canonical(layers.Activation("relu", dtype="mixed_bfloat16"))
    assert call.operation.dtype_policy.name == "mixed_bfloat16"


def test_operation_keeps_the_dtype():
    (call,) = canonical(ops.relu, dtype="float64")
    assert call.output_tensors[0].dtype == "float64"
