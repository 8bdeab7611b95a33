import keras
import pytest

from tests.support.convertible import network
from tfsnn.conversion.rules import (
    AFFINE,
    HEAD,
    NEURON,
    POOL,
    REMOVED,
    activation_name,
    rule_for,
)
from tfsnn.graph import trace
from tfsnn.graph.view import Call

layers = keras.layers


def rule(layer):
    return rule_for(Call(layer, (), {}, ()))


@pytest.mark.parametrize(
    "layer",
    [
        layers.Conv2D(2, 3),
        layers.DepthwiseConv2D(3),
        layers.SeparableConv1D(2, 3),
        layers.Conv3DTranspose(2, 3),
        layers.Dense(2),
        layers.EinsumDense("ab,bc->ac", 2),
        layers.BatchNormalization(),
        layers.Add(),
        layers.Concatenate(),
        layers.AveragePooling2D(2),
        layers.GlobalAveragePooling2D(),
        layers.Flatten(),
        layers.ZeroPadding2D(),
        layers.UpSampling2D(),
        layers.Rescaling(0.5),
        layers.Resizing(3, 3),
        layers.CenterCrop(3, 3),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_affine_layers(layer):
    assert rule(layer).role == AFFINE
    assert not rule(layer).has_neuron


@pytest.mark.parametrize(
    "layer",
    [
        layers.MaxPooling1D(2),
        layers.MaxPooling2D((1, 2)),
        layers.MaxPooling3D(2),
        layers.GlobalMaxPooling2D(),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_max_pooling(layer):
    assert rule(layer).role == POOL


def test_max_pooling_of_one_value_is_affine():
    assert rule(layers.MaxPooling2D(1, strides=2)).role == AFFINE


@pytest.mark.parametrize(
    "layer",
    [
        layers.ReLU(),
        layers.ReLU(max_value=6),
        layers.Activation("relu"),
        layers.Activation("relu6"),
        layers.Activation(layers.ReLU(max_value=2)),
    ],
)
def test_relus_are_neurons(layer):
    assert rule(layer).role == NEURON
    assert rule(layer).has_neuron


@pytest.mark.parametrize(
    "activation", ["relu", "relu6", layers.ReLU(max_value=2)], ids=str
)
def test_a_fused_relu_is_a_neuron_in_an_affine_layer(activation):
    found = rule(layers.Dense(2, activation=activation))
    assert (found.role, found.has_neuron) == (AFFINE, True)


@pytest.mark.parametrize(
    "layer",
    [
        layers.Dropout(0.5),
        layers.SpatialDropout2D(0.5),
        layers.GaussianNoise(1.0),
        layers.Identity(),
        layers.Activation("linear"),
        layers.ActivityRegularization(),
        layers.RandomFlip(),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_layers_without_effect_are_removed(layer):
    assert rule(layer).role == REMOVED


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        (layers.Softmax(), "Softmax has no spiking"),
        (layers.LeakyReLU(), "LeakyReLU has no spiking"),
        (layers.PReLU(), "PReLU has no spiking"),
        (layers.ELU(), "ELU has no spiking"),
        (layers.Activation("softmax"), "activation 'softmax' has no"),
        (layers.Dense(2, activation="swish"), "activation 'silu' has no"),
        (
            layers.Conv2D(2, 3, activation=layers.LeakyReLU()),
            "activation 'LeakyReLU' has no",
        ),
    ],
)
def test_other_activations_are_heads(layer, reason):
    found = rule(layer)
    assert found.role == HEAD
    assert found.reason.startswith(reason)
    assert "Retrain with ReLU" in found.remedy


LEAKY = {"negative_slope": 0.1}


@keras.saving.register_keras_serializable("tests")
class Standardised(layers.Conv2D):
    """A convolution that computes something else."""

    def call(self, inputs):
        return keras.ops.tanh(super().call(inputs))


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        (layers.ReLU(**LEAKY), "negative_slope=0.1 and threshold=0.0"),
        (layers.ReLU(threshold=1.0), "negative_slope=0.0 and threshold=1.0"),
        (layers.Dense(2, activation=layers.ReLU(**LEAKY)), "negative_slope"),
        (layers.LayerNormalization(), "divides by a deviation of the sample"),
        (layers.GroupNormalization(1), "divides by a deviation of the sample"),
        (layers.Lambda(lambda x: x), "any code may be in it"),
        (layers.Multiply(), "it multiplies signals with each other"),
        (layers.MultiHeadAttention(1, 2), "attention multiplies signals"),
        (layers.Maximum(), "which of the signals is the larger one"),
        (layers.RandomCrop(2, 2), "no rule for this layer"),
        (layers.LSTM(2), "it has a time axis and a state of its own"),
        (layers.Embedding(2, 2), "it looks integers up"),
        (
            layers.TimeDistributed(layers.Dense(2)),
            "it is a wrapper that has a time axis of its own",
        ),
        (Standardised(2, 3), "no rule for this layer"),
        (network(layers.ReLU()), "a model whose graph is not known"),
    ],
    ids=lambda value: "" if isinstance(value, str) else value.name,
)
def test_refusals_have_a_reason_and_a_remedy(layer, reason):
    found = rule(layer)
    assert found.role is None
    assert reason in found.reason
    assert found.remedy.endswith(".")


@pytest.mark.parametrize("axis", [0, -4])
def test_joining_batches_is_refused(axis):
    join = layers.Concatenate(axis=axis)
    *_, call = trace(network(lambda x: join([x, x])))
    found = rule_for(call)
    assert found.role is None
    assert found.reason == "it concatenates along the batch axis"
    assert found.remedy == "Concatenate along another axis."
    *_, call = trace(network(lambda x: layers.Concatenate(axis=-3)([x, x])))
    assert rule_for(call).role == AFFINE


@pytest.mark.parametrize(
    "layer",
    [layers.BatchNormalization(), layers.Dropout(0.5)],
    ids=lambda layer: type(layer).__name__,
)
def test_layers_forced_into_training_are_refused(layer):
    model = network(lambda x: layer(layers.ReLU()(x), training=True))
    *_, call = trace(model)
    assert "training=True" in rule_for(call).reason


def test_augmentation_is_never_forced_into_training():
    """Its default is True, which cannot be told from a wish."""
    model = network(lambda x: layers.RandomFlip()(layers.ReLU()(x)))
    *_, call = trace(model)
    assert call.forces_training
    assert rule_for(call).role == REMOVED


def relu(x):
    return keras.ops.tanh(x)


def test_a_function_of_your_own_named_relu_is_none():
    assert rule(layers.Activation(relu)).role == HEAD


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (None, "linear"),
        (keras.activations.relu, "relu"),
        (keras.activations.silu, "silu"),
        (relu, "relu"),
        (layers.ELU(), "ELU"),
    ],
)
def test_activation_name(function, name):
    assert activation_name(function) == name
