import keras
import pytest

from tfsnn.graph.passes.relu_forms import relu_arguments

layers = keras.layers


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        (keras.activations.relu, {}),
        (keras.activations.relu6, {"max_value": 6}),
        (layers.Activation("relu6"), {"max_value": 6}),
    ],
    ids=["relu", "relu6", "activation"],
)
def test_functions(form, expected):
    assert relu_arguments(form) == expected


def test_layer():
    arguments = {"max_value": 2.0, "negative_slope": 0.5, "threshold": 1.0}
    assert relu_arguments(layers.ReLU(**arguments)) == arguments


@pytest.mark.parametrize(
    "form",
    [
        None,
        keras.activations.linear,
        keras.activations.gelu,
        layers.LeakyReLU(),
        layers.Dense(3, activation="relu"),
    ],
    ids=["none", "linear", "gelu", "leaky", "dense"],
)
def test_others(form):
    assert relu_arguments(form) is None


def test_changing_the_answer_changes_no_other():
    relu_arguments(keras.activations.relu6)["max_value"] = 1.0
    assert relu_arguments(keras.activations.relu6) == {"max_value": 6}
