"""The strategy: what it reads, and what it proposes."""

import json
import types

import numpy as np
import pytest

from tests.support import segments
from tests.support.convertible import build
from tests.support.segments import T, inputs_of, loss_of, neuron_of
from tfsnn import convert
from tfsnn.calibration import WeightCalibration
from tfsnn.calibration.strategy import describe
from tfsnn.conversion.check import is_head, is_neuron
from tfsnn.dynamics import IntegrateAndFire
from tfsnn.graph.segments import cut

QUICK = WeightCalibration(
    iterations=20,
    batch_size=4,
    check_every=5,
    optimizer="adam",
    learning_rate=1e-2,
    rounding="neuron",
)


def tap_of(segment, inputs, analog, fixed=frozenset()):
    view = types.SimpleNamespace(
        segment=segment,
        training_set=lambda: (inputs, analog),
        fixed_layers=fixed,
        kind=IntegrateAndFire(),
    )
    return types.SimpleNamespace(view=view)


def example():
    segment = segments.conv()
    inputs = inputs_of(segment)
    analog = np.maximum(1.5 * segments.current_of(segment, inputs), 0)
    return segment, inputs, analog.astype("float32")


def test_proposes_better_weights():
    arguments = example()
    parameters = neuron_of(arguments[-1])
    got = QUICK(tap_of(*arguments), parameters, T)
    assert got.threshold is parameters.threshold
    assert set(got.weights) == {"conv"}
    assert loss_of(*arguments, got) < loss_of(*arguments, parameters)


def test_fixed_layers_stay():
    arguments = example()
    parameters = neuron_of(arguments[-1])
    tap = tap_of(*arguments, fixed=frozenset({"conv"}))
    assert QUICK(tap, parameters, T) is parameters


def test_nothing_that_came_in_is_changed():
    segment, inputs, analog = example()
    first = QUICK(tap_of(segment, inputs, analog), neuron_of(analog), T)
    for values in (*inputs, analog, *first.weights["conv"]):
        values.flags.writeable = False  # Whoever writes raises.
    kernel = first.weights["conv"][0].copy()
    second = QUICK(tap_of(segment, inputs, analog), first, T)
    assert (second.weights["conv"][0] != kernel).any()
    np.testing.assert_array_equal(first.weights["conv"][0], kernel)


def neuron_segments(conversion):
    found = cut(conversion.graph, is_neuron=is_neuron, is_head=is_head)
    return [segment for segment in found if segment.neuron is not None]


@pytest.mark.parametrize("name", ["residual", "concatenated", "sequential"])
def test_segments_of_a_converted_network(name):
    conversion = convert(build(name))
    before = [v.numpy() for v in conversion.graph.model.variables]
    for segment in neuron_segments(conversion):
        inputs = inputs_of(segment)
        current = segments.current_of(segment, inputs)
        analog = np.maximum(1.5 * current, 0).astype("float32")
        parameters = neuron_of(analog)
        got = QUICK(tap_of(segment, inputs, analog), parameters, T)
        losses = [
            loss_of(segment, inputs, analog, p) for p in (parameters, got)
        ]
        assert losses[1] < losses[0]
    for now, then in zip(conversion.graph.model.variables, before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_the_default_is_the_paper():
    assert describe(WeightCalibration()) == {
        "name": "WeightCalibration",
        "iterations": 5000,
        "batch_size": 32,
        "optimizer": "sgd",
        "learning_rate": 1e-5,
        "momentum": 0.9,
        "rounding": "floor",
        "train_bias": False,
        "train_threshold": False,
        "drop_quantiser": 0.0,
        "weight_penalty": 0.0,
        "check_every": 100,
        "patience": 10,
        "seed": 0,
        "progress": False,
    }


def test_describes_itself():
    row = describe(QUICK)
    assert row.pop("name") == "WeightCalibration"
    assert WeightCalibration(**json.loads(json.dumps(row))) == QUICK
    assert hash(QUICK) == hash(WeightCalibration(**row))
    assert not QUICK.sets_threshold


def test_values_are_checked():
    with pytest.raises(ValueError, match="learning_rate=0. Supported"):
        WeightCalibration(learning_rate=0)
