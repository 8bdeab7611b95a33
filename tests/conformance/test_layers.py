"""Every layer, with everything a Keras user may do with it."""

import keras
import numpy as np
import pytest

from tests.support.check_layer import check_layer
from tfsnn.dynamics import BitPlane, Burst, SignedIntegrateAndFire
from tfsnn.layers import (
    ChannelAffine,
    CountActivation,
    DeclaredAffine,
    ExtendedCell,
    IFCell,
    RepeatTime,
    SpikingActivation,
    SpikingMaxPooling,
    SpikingRNN,
    TimeAverage,
    TimeFolded,
)

T = 4
POLICIES = ("float32", "float64", "mixed_bfloat16")
FULL_CELL = {
    "threshold_per": "channel",
    "initial_potential_per": "neuron",
    "bias_per": "channel",
}
SIGNED = {"kind": SignedIntegrateAndFire()}
BURST = {"kind": Burst(3), "bias_per": "channel"}
BIT_PLANE = {"kind": BitPlane(), "initial_potential": 0.125}


def rows(number, *features):
    rng = np.random.default_rng(number)
    return rng.integers(-4, 5, (number, *features)) / 4


def neuron_of(cell, policy):
    if cell is None:
        return None
    cell_class = ExtendedCell if "kind" in cell else IFCell
    return cell_class(dtype=policy, **cell)


def activation(cell=None, **arguments):
    def make(policy):
        neuron = neuron_of(cell, policy)
        return SpikingActivation(T, neuron, dtype=policy, **arguments)

    return make


def count(cell=None, **arguments):
    def make(policy):
        neuron = neuron_of(cell, policy)
        return CountActivation(T, neuron, dtype=policy, **arguments)

    return make


def rnn(cell=None, **arguments):
    def make(policy):
        neuron = neuron_of(cell, policy)
        return SpikingRNN(neuron, dtype=policy, **arguments)

    return make


def of(layer_class, *arguments):
    return lambda policy: layer_class(*arguments, dtype=policy)


def time_folded(policy):
    return TimeFolded(keras.layers.Dense(2, dtype=policy), dtype=policy)


def max_pooling(pool):
    return lambda policy: SpikingMaxPooling(T, pool, dtype=policy)


def declared(policy):
    dense = keras.layers.Dense(2, dtype=policy)
    return DeclaredAffine(dense, dtype=policy)


IMAGES = (rows(T, 4, 4, 2), rows(3 * T, 4, 4, 2))
FOLDED = (rows(T, 2, 3), rows(3 * T, 2, 3))
CONSTANT = (rows(1, 2, 3), rows(3, 2, 3))
EXPLICIT = (rows(1, T, 2, 3), rows(3, T, 2, 3))

CASES = {
    "activation": (activation(), FOLDED),
    "activation, constant": (activation(temporal_input=False), CONSTANT),
    "activation, all parameters": (activation(FULL_CELL, lag=1), FOLDED),
    "activation, two-phase, unit": (
        activation({"spike_values": "unit", "reset": "hard"}, lag=T),
        FOLDED,
    ),
    "activation, constant threshold": (
        activation({"threshold_per": None, "bias_per": "layer"}),
        FOLDED,
    ),
    "activation, signed": (activation(SIGNED), FOLDED),
    "activation, burst": (activation(BURST, lag=1), FOLDED),
    "activation, bit-plane": (activation(BIT_PLANE, lag=T), FOLDED),
    "activation, bit-plane, constant": (
        activation(BIT_PLANE, temporal_input=False),
        CONSTANT,
    ),
    "count, signed, constant": (
        count(SIGNED, temporal_input=False),
        CONSTANT,
    ),
    "count, burst": (count(BURST), CONSTANT),
    "count, bit-plane": (count(BIT_PLANE), CONSTANT),
    "rnn, signed": (rnn(SIGNED), EXPLICIT),
    "rnn, burst": (rnn(BURST), EXPLICIT),
    "count": (count(), CONSTANT),
    "count, constant": (count(temporal_input=False), CONSTANT),
    "count, all parameters": (count(FULL_CELL), CONSTANT),
    "count, unit": (count({"spike_values": "unit"}), CONSTANT),
    "count, constant threshold": (
        count({"threshold_per": None, "bias_per": "layer"}),
        CONSTANT,
    ),
    "rnn": (rnn(), EXPLICIT),
    "rnn, all parameters": (rnn(FULL_CELL, unroll=True), EXPLICIT),
    "rnn, last step": (rnn(return_sequences=False), EXPLICIT),
    "time folded": (time_folded, EXPLICIT),
    "time average": (of(TimeAverage, T), FOLDED),
    "repeat time": (of(RepeatTime, T), CONSTANT),
    "max pooling": (max_pooling(keras.layers.MaxPooling2D(2)), IMAGES),
    "max pooling, same": (
        max_pooling(keras.layers.MaxPooling1D(2, padding="same")),
        FOLDED,
    ),
    "max pooling, global": (
        max_pooling(keras.layers.GlobalMaxPooling2D(keepdims=True)),
        IMAGES,
    ),
    "declared affine": (declared, CONSTANT),
    "channel affine": (of(ChannelAffine), CONSTANT),
    "channel affine, no offset": (of(ChannelAffine, False), CONSTANT),
}


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("case", CASES)
def test_layer_conforms(case, policy, tmp_path):
    make, batches = CASES[case]
    check_layer(make, batches, policy, tmp_path)
