import dataclasses
import time

import numpy as np
import pytest

from tests.support.convertible import build, make_images
from tfsnn import calibrate, convert
from tfsnn.calibration import (
    MmseThreshold,
    Pipeline,
    Search,
    SweepConfig,
    search_run,
)
from tfsnn.calibration.pipelines import light, uncalibrated
from tfsnn.calibration.search_run import output_error

QUIET = SweepConfig(progress=False)
IMAGES = make_images(64)


@dataclasses.dataclass(frozen=True)
class Silent:
    """A threshold that nothing reaches."""

    sets_threshold = True

    def __call__(self, tap, parameters, timesteps):
        return MmseThreshold()(tap, None, timesteps).replace(
            threshold=np.float32(1e6), initial_potential=np.float32(0)
        )


SILENT = Pipeline("silent", (Silent(),))


def search(*candidates, costs=None, budget=1e6):
    costs = (1.0,) * len(candidates) if costs is None else costs
    return Search("mine", candidates, costs, budget)


def run(pipeline, timesteps=(2, 4), **options):
    config = dataclasses.replace(QUIET, **options)
    return calibrate(
        convert(build("residual")),
        IMAGES,
        timesteps=timesteps,
        pipeline=pipeline,
        config=config,
    )


def assert_equal(first, second):
    for timesteps, neurons in first.parameters.items():
        for name, values in neurons.items():
            other = second.parameters[timesteps][name]
            for a, b in zip(
                dataclasses.astuple(values),
                dataclasses.astuple(other),
                strict=True,
            ):
                np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("lag", [0, 1, 4])
def test_keeps_the_best_at_each_t(lag):
    result = run(search(SILENT, uncalibrated()), lag=lag)
    assert_equal(result, run(uncalibrated(), lag=lag))
    chosen = [(t.timesteps, t.pipeline) for t in result.trials if t.chosen]
    assert chosen == [(2, "uncalibrated"), (4, "uncalibrated")]
    assert {step.strategy for step in result.steps} == {"MmseThreshold"}


@pytest.mark.parametrize("first", [True, False])
def test_what_is_no_number_is_not_the_best(monkeypatch, first):
    """Whichever comes first."""
    errors = iter([np.nan, 0.5] if first else [0.5, np.nan])
    monkeypatch.setattr(search_run, "output_error", lambda *_: next(errors))
    result = run(search(uncalibrated(), SILENT), (2,))
    chosen = [trial.pipeline for trial in result.trials if trial.chosen]
    assert chosen == ["silent" if first else "uncalibrated"]


def test_the_order_does_not_matter():
    one = run(search(SILENT, uncalibrated()))
    assert_equal(one, run(search(uncalibrated(), SILENT)))


def test_a_silent_network_is_as_wrong_as_it_can_be():
    """Its outputs are those of no input: the bias of the last layer."""
    silent, plain = run(search(SILENT, light())).trials[::2]
    assert silent.error > plain.error
    assert plain.error < 0.2


def test_what_would_take_too_long_is_left_out():
    result = run(search(uncalibrated(), light(), costs=(1, 1e9), budget=1e3))
    late = [trial for trial in result.trials if trial.pipeline == "light"]
    assert len(late) == 2
    for trial in late:
        assert (trial.error, trial.chosen) == (None, False)
    assert_equal(result, run(uncalibrated()))


@dataclasses.dataclass(frozen=True)
class Slow:
    """Thresholds that take their time."""

    sets_threshold = True

    def __call__(self, tap, parameters, timesteps):
        time.sleep(0.2)
        return MmseThreshold()(tap, parameters, timesteps)


def test_a_cost_that_was_underrated_is_learnt_from():
    """A tenth of a second a cost of 1e-9: nothing of that price fits now."""
    slow = Pipeline("slow", (Slow(),))
    candidates = (uncalibrated(), slow, light())
    costs, budget = (1.0, 1e-9, 1e-6), 60.0
    result = run(search(*candidates, costs=costs, budget=budget), (2,))
    tried = [trial.error is not None for trial in result.trials]
    assert tried == [True, True, False]


def test_the_record_says_what_was_tried():
    row = run(search(SILENT, light())).to_dict()
    assert row["pipeline"]["candidates"][0]["name"] == "silent"
    assert [trial["pipeline"] for trial in row["trials"]] == [
        "silent",
        "silent",
        "light",
        "light",
    ]


def test_the_error_is_that_of_the_outputs():
    conversion = convert(build("residual"))
    result = calibrate(
        conversion, IMAGES, timesteps=4, pipeline=light(), config=QUIET
    )
    images = IMAGES[:8]
    target = np.asarray(conversion.analog(images))
    outputs = np.asarray(result[4](images))
    expected = np.sum((outputs - target) ** 2) / np.sum(target**2)
    got = output_error(result[4], images, [target])
    assert got == pytest.approx(expected, rel=1e-4)
