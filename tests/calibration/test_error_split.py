"""Each step of a calibration says what its error is made of."""

import functools

import pytest

from tests.support.convertible import build, make_images
from tfsnn import convert
from tfsnn.calibration import SweepConfig, sweep
from tfsnn.calibration.pipelines import fitted, light, temporal
from tfsnn.numerics.error_parts import PARTS

T = 4


@functools.cache
def steps_of(name, pipeline=light, lag=0, split=True):
    config = SweepConfig(progress=False, lag=lag, split_errors=split)
    images = make_images(24)
    conversion = convert(build(name))
    parameters, steps = sweep.sweep(conversion, images, [T], pipeline(), config)
    names = conversion.neuron_names
    return parameters, [step for step in steps if step.segment in names]


CASES = {
    "pipelined": (light, 0),
    "two-phase": (light, T),
    "a bias a step": (temporal, 0),
    "weights": (fitted, 0),
}


@pytest.mark.parametrize("case", CASES)
def test_parts_add_up_to_the_error(case):
    pipeline, lag = CASES[case]
    _, steps = steps_of("residual", pipeline, lag)
    told = [step for step in steps if step.contributions is not None]
    assert len(told) >= len({step.segment for step in steps})
    for step in told:
        assert set(step.contributions) == set(PARTS)
        # Errors are measured in float32, parts in float64.
        assert sum(step.contributions.values()) == pytest.approx(
            step.error_after, rel=1e-4, abs=1e-7
        )


def test_the_first_layer_inherits_nothing():
    _, steps = steps_of("residual")
    first = steps[0].segment
    for step in steps:
        inherited = step.contributions and step.contributions["inherited"]
        if step.segment == first:
            assert inherited == 0
    assert any(s.contributions["inherited"] for s in steps if s.contributions)


def test_thresholds_alone_correct_nothing():
    _, steps = steps_of("residual")
    for step in steps:
        if step.strategy == "MmseThreshold":
            assert step.contributions["correction"] == 0


def test_the_result_is_the_same_without():
    split, _ = steps_of("residual")
    plain, steps = steps_of("residual", split=False)
    assert all(step.contributions is None for step in steps)
    for name, values in plain[T].items():
        assert (values.threshold == split[T][name].threshold).all()
