"""Texts of refusals that no other file looks at."""

import pathlib

import keras
import pytest

from tests.support.convertible import classify, conv, network
from tfsnn import check, convert, load_legacy_model, register_rule
from tfsnn.conversion import converter, unregister_rule
from tfsnn.conversion.remedies import UNKNOWN, reason_and_remedy
from tfsnn.errors import ConversionError, ModelFileError

layers, ops = keras.layers, keras.ops
LEGACY = pathlib.Path(__file__).parents[1] / "support" / "legacy"


def small(x):
    return classify(layers.ReLU(name="first")(conv(x)))


class Own(layers.Layer):
    def call(self, inputs):
        return inputs


def test_a_rule_that_fails():
    register_rule(Own, lambda layer, inputs: None)
    try:
        (found,) = check(network(lambda x: small(Own(name="own")(x))))
    finally:
        unregister_rule(Own)
    assert found.layer == "own"
    assert found.reason == "the rule registered for its class does not work"
    assert "answered None" in found.remedy


@pytest.mark.parametrize(
    "function",
    [lambda x: ops.tile(x, (2, 1, 1, 1)), lambda x: ops.repeat(x, 2, axis=0)],
    ids=["tile", "repeat"],
)
def test_an_operation_over_the_batch_axis(function):
    (found,) = check(network(lambda x: small(function(x))))
    wanted = "with these arguments it does not keep the batch axis"
    assert found.reason == wanted
    assert "Use a Keras layer that does the same" in found.remedy


LAYERS = {
    "RMSNormalization": "deviation of the sample.*BatchNormalization",
    "UnitNormalization": "deviation of the sample.*BatchNormalization",
    "GRU": "a state of its own.*feed-forward networks",
    "SimpleRNN": "a state of its own.*feed-forward networks",
    "ConvLSTM2D": "a state of its own.*feed-forward networks",
    "Bidirectional": "a state of its own.*feed-forward networks",
    "TimeDistributed": "time axis of its own.*Call the layer inside",
    "GroupedQueryAttention": "attention multiplies.*feed-forward networks",
    "AdditiveAttention": "attention multiplies.*feed-forward networks",
    "Attention": "attention multiplies.*feed-forward networks",
    "Dot": "product of spike trains.*without gates",
    "Minimum": "larger one is not known.*Add or Concatenate",
    "Hashing": "looks integers up.*embed the data beforehand",
    "StringLookup": "looks integers up.*embed the data beforehand",
    "Discretization": "looks integers up.*embed the data beforehand",
    "LayerScale": "in a class that Keras does not export.*register_rule",
}


@pytest.mark.parametrize("kind", LAYERS)
def test_reasons_and_remedies_by_name(kind):
    reason, remedy = reason_and_remedy(kind)
    assert (reason, remedy) != UNKNOWN
    first, second = LAYERS[kind].split(".*")
    assert first in reason
    assert second in remedy


def test_a_fault_of_the_conversion(monkeypatch):
    monkeypatch.setattr(converter, "hidden_relus", lambda graph: ["first"])
    with pytest.raises(
        ConversionError,
        match=r"left something unconverted: ReLUs inside of \['first'\].*fault",
    ) as caught:
        convert(network(small))
    assert caught.value.findings.ok


def test_a_file_without_a_model(monkeypatch):
    monkeypatch.setattr(
        keras.models, "load_model", lambda *_, **__: layers.Dense(1)
    )
    with pytest.raises(ModelFileError, match="plain.h5', which holds no model"):
        load_legacy_model(LEGACY / "plain.h5")


def transformer():
    x = keras.Input((6, 8))
    y = layers.LayerNormalization(name="norm")(x)
    y = layers.MultiHeadAttention(2, 4, name="attention")(y, y)
    x2 = layers.Add()([x, layers.Dropout(0.1)(y)])
    y = layers.LayerNormalization(name="norm_2")(x2)
    y = layers.Dense(16, activation="gelu", name="wide")(y)
    y = layers.Add()([x2, layers.Dense(8)(y)])
    y = layers.GlobalAveragePooling1D()(y)
    outputs = layers.Dense(3, activation="softmax")(y)
    return keras.Model(x, outputs, name="transformer")


def test_a_transformer_gets_one_complete_list():
    found = {one.layer: one for one in check(transformer())}
    assert set(found) == {"norm", "attention", "norm_2", "wide", "transformer"}
    assert "Retrain with BatchNormalization" in found["norm"].remedy
    assert "attention multiplies signals" in found["attention"].reason
    assert found["wide"].reason.startswith("activation 'gelu' has no spiking")
    assert "Retrain with ReLU or ReLU6" in found["wide"].remedy
    assert "no ReLU" in found["transformer"].reason
