import json

import numpy as np
import pytest

from tfsnn.calibration import BiasCalibration, MmseThreshold, Tap, repeat
from tfsnn.calibration.strategy import describe
from tfsnn.numerics import SortedActivations


def activations(count=20):
    return np.random.default_rng(0).uniform(0, 2, (count, 3)).astype("float32")


@pytest.mark.parametrize("granularity", ["layer", "channel"])
def test_sorted_activations_are_those_of_the_target(granularity):
    analog = activations()
    got = Tap(analog, None).sorted_activations(granularity)
    expected = SortedActivations(analog, granularity)
    np.testing.assert_array_equal(got.maximum(), expected.maximum())


def test_sorted_activations_are_shared():
    shared = {}
    first = Tap(activations(), None, shared).sorted_activations("layer")
    again = Tap(activations(), None, shared).sorted_activations("layer")
    assert again is first


def test_other_requests_are_sorted_by_themselves():
    shared = {}
    tap = Tap(activations(), None, shared)
    fewer = Tap(activations()[:5], None, shared)
    every = {
        id(tap.sorted_activations("layer")),
        id(tap.sorted_activations("channel")),
        id(tap.sorted_activations("layer", 7)),
        id(fewer.sorted_activations("layer")),
    }
    assert len(every) == 4


def test_without_a_cache_a_tap_keeps_its_own():
    tap = Tap(activations(), None)
    assert tap.sorted_activations("layer") is tap.sorted_activations("layer")


def test_describe_is_plain():
    row = describe(MmseThreshold("layer", "floor", 50))
    assert row == {
        "name": "MmseThreshold",
        "per": "layer",
        "rounding": "floor",
        "num_candidates": 50,
        "initial_charge": 0.5,
    }
    assert json.loads(json.dumps(row)) == row


@pytest.mark.parametrize("times", [0, 1, 3])
def test_repeat(times):
    step = BiasCalibration()
    assert repeat(step, times) == (step,) * times


@pytest.mark.parametrize("times", [-1, 2.5, True])
def test_repeat_less_than_never(times):
    with pytest.raises(ValueError, match=f"times={times}. Supported: whole"):
        repeat(BiasCalibration(), times)
