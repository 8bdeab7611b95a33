"""One step of any kind of neuron as an RNN cell."""

import json
import re

import keras
import numpy as np
import pytest

from tests.support.kinds import EXTENDED, KINDS, STEPWISE
from tfsnn.dynamics import BitPlane, Burst, IntegrateAndFire
from tfsnn.layers import ExtendedCell, IFCell, SpikingRNN
from tfsnn.layers.extended_cell import neuron_cell


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_config_round_trip(kind):
    cell = ExtendedCell(2.0, 0.5, kind=kind, threshold_per="channel")
    config = json.loads(json.dumps(cell.get_config()))
    assert config["kind"] == kind.to_dict()
    twin = ExtendedCell.from_config(config)
    assert twin.kind == kind
    assert twin.get_config() == config


@pytest.mark.parametrize("kind", STEPWISE.values(), ids=STEPWISE)
def test_a_step(kind):
    cell = ExtendedCell(2.0, kind=kind)
    cell.build((None, 2))
    states = cell.get_initial_state(batch_size=3)
    assert [tuple(s.shape) for s in states] == [(3, 2)] * kind.num_states
    assert cell.state_size == [(2,)] * kind.num_states
    spikes, after = cell(np.full((3, 2), 5.0, "float32"), states)
    # In thresholds: 0.5 + 2.5.
    spike = 3 if kind.name == "burst" else 1
    np.testing.assert_array_equal(spikes, np.full((3, 2), 2.0 * spike))
    np.testing.assert_array_equal(after[0], np.full((3, 2), 3.0 - spike))
    shapes = cell.compute_output_shape((3, 2))
    assert shapes == ((3, 2), [(3, 2)] * kind.num_states)


def test_bursts_of_one_are_plain(rng):
    current = rng.normal(0.3, 1.0, (2, 9, 4, 3)).astype("float32")
    np.testing.assert_array_equal(
        SpikingRNN(ExtendedCell(0.7, kind=Burst(1)))(current),
        SpikingRNN(IFCell(0.7))(current),
    )


@pytest.mark.parametrize("kind", STEPWISE.values(), ids=STEPWISE)
def test_keras_rnn_runs_the_cell(kind, rng):
    cell = ExtendedCell(0.7, kind=kind)
    layer = keras.layers.RNN(cell, return_sequences=True)
    current = rng.normal(0.3, 1.0, (2, 4, 3)).astype("float32")
    np.testing.assert_array_equal(layer(current), SpikingRNN(cell)(current))


def test_bit_planes_are_not_fired_step_by_step():
    cell = ExtendedCell(1.0, 0.5, kind=BitPlane(), name="first")
    message = "Neuron 'first' of kind 'bit_plane' received the current of one"
    with pytest.raises(ValueError, match=message):
        cell(np.ones((1, 3)), [np.ones((1, 3))])


WRONG = {
    "threshold": ({"threshold": 0, "kind": Burst()}, "threshold=0. Supported"),
    "kind": (
        {"kind": {"name": "poisson"}},
        "Neuron kind 'poisson'. Supported: 'if', 'signed', 'burst',",
    ),
    "potential": (
        {"kind": BitPlane()},
        "initial_potential=None with kind=BitPlane(). Supported: a number; T is"
        " not known here. With threshold * kind.rounding_charge(T) it rounds.",
    ),
}


@pytest.mark.parametrize(("arguments", "text"), WRONG.values(), ids=WRONG)
def test_arguments_out_of_range_are_refused(arguments, text):
    with pytest.raises(ValueError, match=re.escape(text)):
        ExtendedCell(**arguments)


@pytest.mark.parametrize("reset", ["soft", "hard"])
def test_plain_neurons_have_the_plain_cell(reset):
    cell = neuron_cell(IntegrateAndFire(reset), 2.0, bias_per="layer")
    assert type(cell) is IFCell
    assert (cell.reset, cell.first_threshold) == (reset, 2.0)
    assert "kind" not in cell.get_config()


@pytest.mark.parametrize("kind", EXTENDED.values(), ids=EXTENDED)
def test_other_neurons_have_the_extended_cell(kind):
    cell = neuron_cell(kind, 2.0, 0.5, bias_per="layer")
    assert type(cell) is ExtendedCell
    assert (cell.kind, cell.first_potential) == (kind, 0.5)
