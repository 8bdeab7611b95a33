import dataclasses

import keras
import pytest

from tests.support.convertible import build, make_images
from tests.support.kinds import EXTENDED, KINDS
from tfsnn import calibrate, convert
from tfsnn.calibration import (
    BiasCalibration,
    MmseThreshold,
    Pipeline,
    Search,
    TemporalBiasCalibration,
    pipelines,
)
from tfsnn.calibration.refusals import check_sizes, check_steps, refusal
from tfsnn.dynamics import BitPlane, Burst, IntegrateAndFire

every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
PUBLISHED = ("light", "potential", "weights")
FITTING = {
    "uncalibrated": pipelines.uncalibrated(),
    "light": pipelines.light(),
    "advanced": pipelines.advanced(),
    "trained": pipelines.trained(),
}


@every_kind
@pytest.mark.parametrize("pipeline", FITTING.values(), ids=FITTING)
def test_pipelines_that_fit_every_kind(pipeline, kind):
    assert refusal(pipeline, kind) is None
    check_steps(pipeline, kind)


@pytest.mark.parametrize("steps", PUBLISHED)
@pytest.mark.parametrize("kind", EXTENDED.values(), ids=EXTENDED)
def test_published_code_has_plain_neurons(steps, kind):
    text = (
        f"Pipeline 'published_code_{steps}' with neurons of kind"
        f" '{kind.name}': AveragedThreshold .*; supported: 'if'. Take another"
        r" pipeline, such as light\(\), or another neuron"
    )
    with pytest.raises(ValueError, match=text):
        check_steps(pipelines.published_code(steps), kind)


@pytest.mark.parametrize("reset", ["soft", "hard"])
@pytest.mark.parametrize("steps", PUBLISHED)
def test_published_code_keeps_its_resets(steps, reset):
    check_steps(pipelines.published_code(steps), IntegrateAndFire(reset))


@every_kind
@pytest.mark.parametrize(
    "pipeline",
    [pipelines.temporal(), pipelines.trained(temporal_iterations=1)],
    ids=["temporal", "trained"],
)
def test_a_temporal_bias_needs_decisions_at_every_step(pipeline, kind):
    reason = refusal(pipeline, kind)
    assert (reason is None) == (kind.name != "bit_plane")


def test_each_step_is_named_once():
    step = TemporalBiasCalibration()
    pipeline = Pipeline("p", (MmseThreshold(), step, step, BiasCalibration()))
    reason = refusal(pipeline, BitPlane())
    assert reason.count("TemporalBiasCalibration") == 1


@dataclasses.dataclass(frozen=True)
class Own:
    """A caller's own step."""

    sets_threshold = True

    def __call__(self, tap, parameters, timesteps):
        return parameters


class Picky(Own):
    def refusal(self, kind):
        return "likes no bursts" if isinstance(kind, Burst) else None


def test_steps_may_have_something_to_say():
    assert refusal(Pipeline("own", (Own(),)), Burst()) is None
    picky = Pipeline("picky", (Picky(),))
    assert refusal(picky, Burst()) == "Picky likes no bursts"
    assert refusal(picky, BitPlane()) is None


def test_of_a_search_the_first_has_to_fit():
    first = Search(
        "s", (pipelines.light(), pipelines.temporal()), (1.0, 1.0), 1.0
    )
    check_steps(first, BitPlane())
    second = dataclasses.replace(first, candidates=first.candidates[::-1])
    with pytest.raises(ValueError, match="Pipeline 'temporal' with neurons of"):
        check_steps(second, BitPlane())


def test_a_readout_is_asked_too():
    @dataclasses.dataclass(frozen=True)
    class Picky:
        sets_readout = True

        def refusal(self, kind):
            return f"has no {kind.name}"

        def __call__(self, tap, parameters, timesteps):
            return parameters

    pipeline = Pipeline("p", (MmseThreshold(),), readout=(Picky(),))
    assert refusal(pipeline, BitPlane()) == "Picky has no bit_plane"


def any_size():
    image = keras.Input((None, None, 2))
    x = keras.layers.Conv2D(2, 3, activation="relu", name="conv")(image)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return convert(keras.Model(image, keras.layers.Dense(3)(x)))


TIED = {
    "potential": pipelines.published_code("potential"),
    "weights": pipelines.published_code("weights"),
    "advanced": pipelines.advanced(potentials_per="neuron"),
    "search": Search(
        "both",
        (pipelines.published_code("potential"), pipelines.light()),
        (1.0, 1.0),
        1.0,
    ),
}


@pytest.mark.parametrize("pipeline", TIED.values(), ids=TIED)
def test_values_of_each_neuron_need_one_size(pipeline):
    """Before anything is computed, not when the model is built."""
    text = (
        r"PotentialCalibration\), and the size of these layers depends on the"
        r" image: '.*' \(None, None, None, 2\). Supported: .*per='channel'"
    )
    with pytest.raises(ValueError, match=text):
        calibrate(any_size(), make_images(24), timesteps=2, pipeline=pipeline)
    check_sizes(pipeline, convert(build("relu_layers")))


def test_of_a_search_others_are_left_out_that_need_one_size():
    search = TIED["search"]
    search = dataclasses.replace(search, candidates=search.candidates[::-1])
    result = calibrate(
        any_size(), make_images(24), timesteps=2, pipeline=search
    )
    kept, left = result.trials
    assert kept.chosen and kept.pipeline == "light"
    assert left.error is None and left.pipeline != "light"


@pytest.mark.parametrize("pipeline", FITTING.values(), ids=FITTING)
def test_values_of_channels_need_none(pipeline):
    check_sizes(pipeline, any_size())
