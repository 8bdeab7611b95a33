import json

import keras
import numpy as np
import pytest

from tests.support.convertible import CASES, build, classify, conv, network
from tfsnn import check
from tfsnn.conversion.check import hidden_relus
from tfsnn.errors import ConversionError
from tfsnn.graph import trace

layers = keras.layers


def kinds(model):
    return [finding.kind for finding in check(model)]


def everything_at_once():
    def function(x):
        x = conv(x, activation="swish", name="swish")
        x = layers.UnitNormalization(name="unit")(x)
        x = layers.Lambda(lambda y: 2 * y, name="lambda")(x)
        x = layers.LayerNormalization(name="norm")(x)
        x = network(conv, (6, 6, 3), name="inner")(x, training=True)
        x = layers.Softmax(name="softmax")(x)
        x = layers.ReLU()(conv(x, name="broken"))
        return layers.Softmax(name="head")(classify(x))

    model = network(function)
    kernel, bias = model.get_layer("broken").get_weights()
    kernel[0] = np.nan
    bias[0] = np.inf
    model.get_layer("broken").set_weights([kernel, bias])
    return model


EVERYTHING = [
    ("swish", "Conv2D"),
    ("unit", "UnitNormalization"),
    ("lambda", "Lambda"),
    ("norm", "LayerNormalization"),
    ("inner", "Functional"),
    ("softmax", "Softmax"),
    ("broken", "Conv2D"),
]


def test_all_findings_come_at_once():
    found = check(everything_at_once())
    assert [(one.layer, one.kind) for one in found] == EVERYTHING
    assert all(one.reason and one.remedy for one in found)


def test_text_and_json_have_all_findings():
    found = check(everything_at_once())
    text = str(found)
    rows = json.loads(found.to_json())["findings"]
    for (layer, _), row in zip(EVERYTHING, rows, strict=True):
        assert f"'{layer}'" in text
        assert row["layer"] == layer


@pytest.mark.parametrize("name", CASES)
def test_networks_that_convert(name):
    found = check(build(name))
    assert found.ok, str(found)
    assert found.num_neuron_layers >= 2


def test_weights_that_are_not_finite_are_counted():
    found = list(check(everything_at_once()))[-1]
    # One row of the kernel, 3 x 3 x 3, and one bias.
    assert found.reason == "28 of its weights are NaN or infinite"


@pytest.mark.parametrize(("variance", "epsilon"), [(0, 0), (-1, 1e-3)])
def test_batch_norms_without_deviation(variance, epsilon):
    norm = layers.BatchNormalization(epsilon=epsilon, name="norm")
    model = network(lambda x: classify(layers.ReLU()(norm(conv(x)))))
    assert check(model).ok
    norm.moving_variance.assign([1.0, variance, variance])
    (found,) = check(model)
    assert (found.layer, found.kind) == ("norm", "BatchNormalization")
    assert found.reason == (
        "moving_variance + epsilon is 0 or below in 2 of its channels"
    )


def test_bfloat16_weights_are_looked_at():
    model = network(lambda x: layers.ReLU()(layers.Dense(2)(x)))
    half = network(
        lambda x: layers.ReLU()(layers.Dense(2, dtype="bfloat16")(x))
    )
    half.set_weights([np.full_like(w, np.nan) for w in model.get_weights()])
    assert kinds(half) == ["Dense"]


def test_a_head_is_allowed():
    model = network(
        lambda x: layers.Softmax()(classify(layers.ReLU()(conv(x))))
    )
    assert check(model).ok


@pytest.mark.parametrize(
    "activation",
    [
        layers.Softmax(),
        layers.LeakyReLU(),
        layers.Activation("tanh"),
        keras.ops.softmax,
    ],
    ids=["Softmax", "LeakyReLU", "tanh", "ops.softmax"],
)
@pytest.mark.parametrize("behind", ["neuron", "kernel"])
def test_an_activation_in_the_middle_is_refused(activation, behind):
    def function(x):
        x = activation(conv(layers.ReLU()(conv(x))))
        return layers.ReLU()(x) if behind == "neuron" else classify(x)

    (found,) = check(network(function))
    assert "no spiking counterpart" in found.reason


def test_a_shared_layer_is_said_once():
    norm = layers.UnitNormalization()

    def function(x):
        return classify(norm(layers.ReLU()(norm(x))))

    assert kinds(network(function)) == ["UnitNormalization"]


def test_no_relu():
    (found,) = check(network(classify))
    assert found.layer == "net"
    assert "no ReLU" in found.reason


def test_integer_input():
    x = keras.Input((4,), dtype="int32", name="tokens")
    model = keras.Model(x, layers.ReLU()(layers.Dense(2)(x)))
    (found,) = check(model)
    assert (found.layer, found.kind) == ("tokens", "InputLayer")
    assert found.reason == "its dtype is int32"
    assert "float32" in found.remedy


def test_every_integer_input_is_named():
    a, b = keras.Input((4,)), keras.Input((4,), dtype="int32", name="words")
    c = keras.Input((4,), dtype="int32", name="tokens")
    model = keras.Model([a, b, c], layers.ReLU()(a + b + c))
    assert {"words", "tokens"} <= {found.layer for found in check(model)}


class OfOnesOwn(layers.Layer):
    """A layer that cannot be rebuilt."""

    def __init__(self, factor, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, inputs):
        return inputs * self.factor

    def get_config(self):
        return super().get_config()  # Without `factor`.


@pytest.mark.filterwarnings("ignore:The object being serialized includes")
def test_layers_that_cannot_be_rebuilt_are_findings():
    def function(x):
        x = layers.UnitNormalization()(OfOnesOwn(2.0)(layers.ReLU()(x)))
        return layers.Dense(2, activation=lambda y: y)(x)

    unknown, norm, dense = check(network(function))
    assert unknown.kind == "OfOnesOwn"
    assert unknown.reason == "no rule for this layer"
    assert norm.kind == "UnitNormalization"
    assert dense.kind == "Dense"


class Subclassed(keras.Model):
    """Its graph is not known."""

    def call(self, inputs):
        return inputs


@pytest.mark.parametrize(
    ("model", "text"),
    [
        (Subclassed(name="hidden"), "'hidden' .Subclassed. is subclassed"),
        (keras.Sequential([layers.Dense(2)], name="late"), "no input shape"),
    ],
    ids=["subclassed", "unbuilt"],
)
def test_an_unknown_graph_is_a_finding(model, text):
    (found,) = check(model)
    assert found.layer == model.name
    assert found.reason == "its graph is not known"
    with pytest.raises(ConversionError, match=text):
        raise ConversionError(found.remedy)


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        ("model.keras", "builtins.str"),
        (None, "builtins.NoneType"),
        (
            type("Functional", (), {"__module__": "tf_keras.src"})(),
            "tf_keras.src.Functional",
        ),
    ],
    ids=["path", "none", "tf_keras"],
)
def test_what_is_no_keras_model_is_refused(model, kind):
    with pytest.raises(TypeError, match=f"model is a {kind}. Supported: keras"):
        check(model)


def test_hidden_relus():
    def function(x):
        return layers.ReLU()(layers.Dense(2, activation="relu", name="a")(x))

    assert hidden_relus(trace(network(function))) == ["a"]
