import json

import pytest

from tfsnn.calibration import (
    BiasCalibration,
    MaximumThreshold,
    MmseThreshold,
    Pipeline,
)
from tfsnn.calibration.pipelines import light, uncalibrated


@pytest.mark.parametrize(
    "strategies", [(), (BiasCalibration(), MmseThreshold()), (None,)]
)
def test_the_first_step_sets_the_threshold(strategies):
    with pytest.raises(ValueError, match="'mine' starts with .*MmseThreshold"):
        Pipeline("mine", strategies)


def test_uncalibrated_is_the_threshold_alone():
    pipeline = uncalibrated(per="layer", rounding="floor")
    assert pipeline.strategies == (MmseThreshold("layer", "floor"),)


@pytest.mark.parametrize("make", [light, uncalibrated])
def test_another_threshold(make):
    threshold = MaximumThreshold("channel")
    others = make().strategies[1:]
    assert make(threshold=threshold).strategies == (threshold, *others)


@pytest.mark.parametrize("make", [light, uncalibrated])
def test_a_threshold_that_sets_none_is_refused(make):
    with pytest.raises(ValueError, match="starts with BiasCalibration"):
        make(threshold=BiasCalibration())


@pytest.mark.parametrize("iterations", [0, 1, 3])
def test_light_adds_bias_calibration(iterations):
    first, *others = light(iterations=iterations, damping=0.5).strategies
    assert first == MmseThreshold("channel", "round")
    assert others == [BiasCalibration(0.5)] * iterations


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"per": "neuron"}, "`per` is 'neuron'"),
        ({"rounding": "up"}, "`rounding` is 'up'"),
        ({"iterations": -1}, "iterations=-1. Supported: whole numbers, 0"),
        ({"iterations": 2.5}, "iterations=2.5. Supported: whole numbers, 0"),
        ({"damping": 2}, "damping=2"),
    ],
)
def test_options_out_of_range_are_refused(arguments, text):
    with pytest.raises(ValueError, match=text):
        light(**arguments)


@pytest.mark.parametrize("pipeline", [uncalibrated(), light()])
def test_to_dict_is_plain(pipeline):
    row = pipeline.to_dict()
    assert json.loads(json.dumps(row)) == row
    assert row["name"] == pipeline.name
    assert row["strategies"][0]["name"] == "MmseThreshold"
    assert len(row["strategies"]) == len(pipeline.strategies)
