"""Random graphs of affine layers and ReLUs: every form says the same."""

import keras
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.networks import outputs_of
from tfsnn import convert
from tfsnn.conversion import SteppingForm, counting_model
from tfsnn.conversion.check import hidden_relus

layers = keras.layers
SHAPE = (4, 4, 2)
T = 4
KINDS = (
    "convolution",
    "shared",
    "norm",
    "relu",
    "relu6",
    "fused",
    "add",
    "concatenate",
    "maximum",
    "nested",
)
# What is done, and to which of the tensors made so far.
steps = st.lists(
    st.tuples(st.sampled_from(KINDS), st.integers(0, 99), st.integers(0, 99)),
    min_size=2,
    max_size=8,
)
lags = st.integers(0, T)
two_inputs = st.booleans()


def conv(**arguments):
    return layers.Conv2D(2, 3, padding="same", **arguments)


def norm():
    return layers.BatchNormalization(epsilon=0.0)


def _nested():
    x = keras.Input(SHAPE)
    return keras.Model(x, layers.ReLU()(norm()(conv()(x))))


def apply(kind, left, right, shared):
    single = {
        "convolution": conv,
        "shared": lambda: shared,
        "norm": norm,
        "relu": layers.ReLU,
        "relu6": lambda: layers.Activation("relu6"),
        "fused": lambda: conv(activation="relu"),
        "maximum": lambda: layers.MaxPooling2D(3, 1, padding="same"),
        "nested": _nested,
    }
    if kind in single:
        return single[kind]()(left)
    if kind == "add":
        return left + right
    joined = layers.Concatenate()([left, right])
    return layers.Conv2D(2, 1)(joined)


def dyadic(model):
    """Sums of spikes do not round, nor does folding a batch norm."""
    rng = np.random.default_rng(0)
    for variable in model.weights:
        if variable.name == "moving_variance":
            value = rng.choice([0.25, 1.0, 4.0], variable.shape)
        else:
            value = rng.integers(-2, 3, variable.shape) / 4
        variable.assign(value)
    return model


def network(drawn, two=False):
    """A network whose output reads the last tensors; at least one ReLU.

    A second input may go anywhere, or nowhere.
    """
    inputs = [keras.Input(SHAPE) for _ in range(1 + two)]
    tensors, shared = [*reversed(inputs)], conv(name="shared")
    tensors.append(layers.ReLU()(shared(inputs[0])))
    for kind, left, right in drawn:
        left = tensors[-1 - left % min(3, len(tensors))]
        right = tensors[-1 - right % len(tensors)]
        tensors.append(apply(kind, left, right, shared))
    outputs = layers.Flatten()(layers.ReLU()(layers.Add()(tensors[-2:])))
    one_or_all = inputs if two else inputs[0]
    return dyadic(keras.Model(one_or_all, layers.Dense(3)(outputs)))


def images(model):
    rng = np.random.default_rng(1)
    return keras.tree.map_structure(
        lambda _: (rng.integers(-4, 5, (3, *SHAPE)) / 4).astype("float32"),
        model.input,
    )


def assert_same(got, wanted):
    for a, b in zip(got, wanted, strict=True):
        np.testing.assert_array_equal(a, b)


@settings(max_examples=3, deadline=None)
@given(steps, two_inputs)
def test_prepared_equals_source(drawn, two):
    model = network(drawn, two)
    conversion = convert(model)
    assert hidden_relus(conversion.graph) == []
    # Dyadic, but products of many of them round in float32.
    for a, b in zip(
        outputs_of(conversion.analog, images(model)),
        outputs_of(model, images(model)),
        strict=True,
    ):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)


@settings(max_examples=3, deadline=None)
@given(steps, two_inputs, lags)
def test_stepping_equals_folded(drawn, two, lag):
    model = convert(network(drawn, two)).spiking_model(T, lag=lag)
    form = SteppingForm(model)
    assert_same(
        [np.asarray(form.run(images(model)))],
        outputs_of(model, images(model)),
    )


@settings(max_examples=3, deadline=None)
@given(steps, two_inputs)
def test_two_phase_equals_counts(drawn, two):
    model = convert(network(drawn, two)).spiking_model(T, lag=T)
    assert_same(
        outputs_of(counting_model(model), images(model)),
        outputs_of(model, images(model)),
    )
