import numpy as np
import pytest

from tfsnn.calibration import (
    MaximumThreshold,
    MmseThreshold,
    PercentileThreshold,
    Tap,
)
from tfsnn.numerics import SortedActivations
from tfsnn.types import NeuronParameters

T = 8


def activations():
    values = np.random.default_rng(0).exponential(size=(40, 2, 3))
    return (values * [1, 2, 4]).astype("float32")


def propose(strategy, parameters=None, analog=None, timesteps=T):
    analog = activations() if analog is None else analog
    return strategy(Tap(analog, None), parameters, timesteps)


@pytest.mark.parametrize(
    ("per", "axis"), [("layer", None), ("channel", (0, 1))]
)
def test_maximum(per, axis):
    got = propose(MaximumThreshold(per)).threshold
    np.testing.assert_array_equal(got, activations().max(axis))


@pytest.mark.parametrize(
    ("per", "axis"), [("layer", None), ("channel", (0, 1))]
)
def test_percentile(per, axis):
    got = propose(PercentileThreshold(90, per)).threshold
    expected = np.percentile(activations(), 90, axis)
    np.testing.assert_allclose(got, expected, rtol=1e-6)


@pytest.mark.parametrize("rounding", ["floor", "round"])
def test_mmse(rounding):
    got = propose(MmseThreshold("channel", rounding, 20)).threshold
    expected = SortedActivations(activations(), "channel").mmse(
        T, rounding=rounding, num_candidates=20
    )
    np.testing.assert_array_equal(got, expected.astype("float32"))


def test_many_steps_use_more_values(monkeypatch):
    asked = []

    def sorted_activations(self, granularity, max_values=None):
        asked.append(max_values)
        return SortedActivations(self.analog, granularity)

    monkeypatch.setattr(Tap, "sorted_activations", sorted_activations)
    for timesteps in (127, 128):
        propose(MmseThreshold(num_candidates=2), timesteps=timesteps)
    assert asked == [None, 2**20]


@pytest.mark.parametrize("charge", [0.0, 0.5, 1.0])
@pytest.mark.parametrize(
    "strategy", [MaximumThreshold, PercentileThreshold, MmseThreshold]
)
def test_the_potential_is_a_share_of_the_threshold(strategy, charge):
    got = propose(strategy(initial_charge=charge))
    np.testing.assert_array_equal(got.initial_potential, charge * got.threshold)
    assert got.bias is None


def test_a_bias_stays():
    before = NeuronParameters(np.float32(1), np.float32(0), np.float32(3))
    got = propose(MaximumThreshold(), before)
    assert got.bias == 3
    assert got.threshold == activations().max()


CHARGE = {"initial_charge": 1.5}


@pytest.mark.parametrize(
    ("strategy", "arguments", "text"),
    [
        (MaximumThreshold, {"per": "neuron"}, "`per` is 'neuron'. Supported"),
        (MaximumThreshold, CHARGE, "initial_charge=1.5. Supported: 0...1"),
        (PercentileThreshold, {"per": "all"}, "`per` is 'all'"),
        (PercentileThreshold, {"percentile": 0}, "percentile=0. Supported"),
        (PercentileThreshold, {"percentile": 101}, "percentile=101"),
        (PercentileThreshold, CHARGE, "initial_charge=1.5"),
        (MmseThreshold, {"per": None}, "`per` is None"),
        (MmseThreshold, {"rounding": "up"}, "`rounding` is 'up'. Supported"),
        (MmseThreshold, {"num_candidates": 0}, "`num_candidates` is 0"),
        (MmseThreshold, {"initial_charge": float("nan")}, "initial_charge=nan"),
    ],
)
def test_hyperparameters_out_of_range_are_refused(strategy, arguments, text):
    with pytest.raises(ValueError, match=text):
        strategy(**arguments)
