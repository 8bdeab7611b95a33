import json

import pytest

from tfsnn.calibration import BiasCalibration, MmseThreshold, Pipeline
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
        ({"iterations": -1}, "times=-1"),
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
