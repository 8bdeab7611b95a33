import dataclasses
import json

import pytest

from tfsnn.calibration import (
    AveragedThreshold,
    BiasCalibration,
    BlockCalibration,
    LeastSquaresCalibration,
    MaximumThreshold,
    MmseThreshold,
    Pipeline,
    PotentialCalibration,
    ReadoutCalibration,
    StepWeightCalibration,
    TemporalBiasCalibration,
    ThresholdSearch,
    WeightCalibration,
)
from tfsnn.calibration.pipelines import (
    advanced,
    fitted,
    light,
    published_code,
    reconstructed,
    temporal,
    trained,
    uncalibrated,
)

FIRST = MmseThreshold()
EVERY = [
    light,
    uncalibrated,
    advanced,
    temporal,
    fitted,
    trained,
    reconstructed,
]


@pytest.mark.parametrize(
    "strategies", [(), (BiasCalibration(), MmseThreshold()), (None,)]
)
def test_the_first_step_sets_the_threshold(strategies):
    with pytest.raises(ValueError, match="'mine' starts with .*MmseThreshold"):
        Pipeline("mine", strategies)


def halve(tap, parameters, timesteps):
    return parameters


@pytest.mark.parametrize(
    "step", [BiasCalibration, halve, "bias", None, Pipeline("p", (FIRST,))]
)
def test_what_is_no_step_is_refused(step):
    """Not after the calibration, when its record is written."""
    text = "Pipeline 'mine' has .* among its steps. Supported: values of frozen"
    with pytest.raises(TypeError, match=text):
        Pipeline("mine", (FIRST, step))


@dataclasses.dataclass(frozen=True)
class Odd:
    sets_readout = True


def test_a_readout_step_can_be_called():
    with pytest.raises(TypeError, match=r"has \[Odd\(\)\] among its steps"):
        Pipeline("mine", (FIRST,), readout=(Odd(),))


def test_steps_may_come_as_a_list():
    pipeline = Pipeline("mine", [FIRST, BiasCalibration()])
    assert pipeline == Pipeline("mine", (FIRST, BiasCalibration()))
    assert hash(pipeline)


def test_a_readout_step_is_no_step_of_neurons():
    steps = (MmseThreshold(), ReadoutCalibration())
    with pytest.raises(ValueError, match="Pass it as Pipeline.*readout="):
        Pipeline("mine", steps)


def test_a_step_of_neurons_is_no_readout_step():
    with pytest.raises(ValueError, match="readout=.BiasCalibration.*tuple of"):
        Pipeline("mine", (MmseThreshold(),), readout=(BiasCalibration(),))


def test_readout_steps_are_a_tuple():
    with pytest.raises(ValueError, match="readout=ReadoutCal.*tuple of steps"):
        Pipeline("mine", (MmseThreshold(),), readout=ReadoutCalibration())


def test_uncalibrated_is_the_threshold_alone():
    pipeline = uncalibrated(per="layer", rounding="floor")
    assert pipeline.strategies == (MmseThreshold("layer", "floor"),)


@pytest.mark.parametrize("make", EVERY)
def test_another_threshold(make):
    threshold = MaximumThreshold("channel")
    others = make().strategies[1:]
    assert make(threshold=threshold).strategies == (threshold, *others)


@pytest.mark.parametrize("make", EVERY)
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


def test_advanced_is_weights_then_potentials():
    steps = advanced().strategies
    assert steps == (
        MmseThreshold("channel", "round"),
        WeightCalibration(rounding="neuron"),
        PotentialCalibration("channel"),
    )
    papers = advanced(per="layer", rounding="floor", potentials_per="neuron")
    assert papers.strategies == (
        MmseThreshold("layer", "floor"),
        WeightCalibration(),
        PotentialCalibration("neuron"),
    )


def test_advanced_takes_other_hyper_parameters():
    weights = WeightCalibration(iterations=10, optimizer="adam")
    assert advanced(weights=weights).strategies[1] is weights


def test_temporal_is_one_bias_a_step():
    steps = temporal(iterations=3, damping=0.25).strategies
    assert steps[1:] == (TemporalBiasCalibration(3, 0.25),)


def test_trained_ends_on_the_real_spikes():
    plain = trained()
    assert isinstance(plain.strategies[1], WeightCalibration)
    assert plain.strategies[2:] == (BiasCalibration(),) * 3
    weights = WeightCalibration(iterations=10)
    other = trained(weights=weights, iterations=1, temporal_iterations=5)
    assert other.strategies[1:] == (
        weights,
        BiasCalibration(),
        TemporalBiasCalibration(5),
    )
    assert (plain.name, other.name) == ("trained", "trained_temporal")


def test_fitted_measures_thresholds_after_weights():
    pipeline = fitted(ridge=0.5)
    assert pipeline.strategies == (
        MmseThreshold(),
        BiasCalibration(),
        LeastSquaresCalibration(0.5),
        ThresholdSearch(),
        BiasCalibration(),
    )
    assert pipeline.readout == (ReadoutCalibration(), StepWeightCalibration())
    search = ThresholdSearch((1.0,), (0.5,))
    other = fitted(search=search, temporal_iterations=5)
    assert other.strategies[3:] == (
        search,
        BiasCalibration(),
        TemporalBiasCalibration(5),
    )
    assert (pipeline.name, other.name) == ("fitted", "fitted_temporal")


def test_reconstructed_trains_blocks_before_it_fits():
    blocks = BlockCalibration(iterations=7)
    pipeline = reconstructed(blocks=blocks)
    first, second, *others = pipeline.strategies
    assert (first, second) == (MmseThreshold(), blocks)
    assert (first, *others) == fitted().strategies
    assert pipeline.readout == fitted().readout


@pytest.mark.parametrize("steps", ["light", "potential", "weights"])
def test_published_code_does_not_look(steps):
    pipeline = published_code(steps)
    assert not pipeline.guarded
    assert pipeline.strategies[0] == AveragedThreshold()
    assert pipeline.name == f"published_code_{steps}"


def test_published_code_of_another_name_is_refused():
    with pytest.raises(ValueError, match="`steps` is 'best'.*'potential'"):
        published_code("best")


@pytest.mark.parametrize(
    "pipeline",
    [
        uncalibrated(),
        light(),
        advanced(),
        temporal(),
        fitted(),
        trained(),
        reconstructed(),
        published_code(),
    ],
    ids=lambda pipeline: pipeline.name,
)
def test_to_dict_is_plain(pipeline):
    row = pipeline.to_dict()
    assert json.loads(json.dumps(row)) == row
    assert row["name"] == pipeline.name
    assert row["guarded"] == pipeline.guarded
    assert row["strategies"][0]["name"].endswith("Threshold")
    assert len(row["strategies"]) == len(pipeline.strategies)
