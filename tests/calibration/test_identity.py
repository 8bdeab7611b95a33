import dataclasses
import functools
import json

import numpy as np
import pytest

from tests.support.convertible import build
from tfsnn import ConversionConfig, SweepConfig, convert, pipelines
from tfsnn.calibration import MmseThreshold, Pipeline
from tfsnn.calibration.identity import differences, identity_of


@functools.cache
def conversion(**options):
    config = ConversionConfig(**options)
    return convert(build("relu_layers"), config=config)


def identity(converted=None, config=None, **changes):
    config = config or SweepConfig()
    run = {
        "pipeline": pipelines.light(),
        "timesteps": [4, 8],
        "digest": "d" * 64,
        "seed": 0,
        **changes,
    }
    return identity_of(
        converted or conversion(), options=dataclasses.asdict(config), **run
    )


def other_weights():
    model = conversion().analog
    before = model.get_weights()
    one_bit = [np.nextafter(before[0], 9), *before[1:]]
    model.set_weights(one_bit)
    try:
        return identity()
    finally:
        model.set_weights(before)


DIFFERENT = {
    "weights": (other_weights, ["model"]),
    "network": (lambda: identity(convert(build("residual"))), ["model"]),
    "images": (lambda: identity(digest="e" * 64), ["data"]),
    "T": (
        lambda: identity(timesteps=[4]),
        ["timesteps ([4, 8] there, [4] now)"],
    ),
    "seed": (lambda: identity(seed=1), ["seed (0 there, 1 now)"]),
    "pipeline": (
        lambda: identity(pipeline=pipelines.uncalibrated()),
        ["pipeline ({'name': 'light'} there, {'name': 'uncalibrated'} now)"],
    ),
    "hyper-parameter": (
        lambda: identity(pipeline=pipelines.light(damping=0.5)),
        ["pipeline (other steps or hyper-parameters)"],
    ),
    "conversion": (
        lambda: identity(conversion(reset="hard")),
        ["conversion ({'reset': 'soft'} there, {'reset': 'hard'} now)"],
    ),
    "kind of neuron": (
        lambda: identity(conversion(neuron="signed")),
        ["conversion ({'neuron': 'if'} there, {'neuron': 'signed'} now)"],
    ),
    "largest burst": (
        lambda: identity(conversion(max_spikes=8)),
        ["conversion ({'max_spikes': 4} there, {'max_spikes': 8} now)"],
    ),
    "lag": (
        lambda: identity(config=SweepConfig(lag=2)),
        ["lag (None there, 2 now)"],
    ),
    "lag of a neuron": (
        lambda: identity(config=SweepConfig(lag={"relu": 2})),
        ["lag (None there, {'relu': 2} now)"],
    ),
    "held out": (
        lambda: identity(config=SweepConfig(held_out=3)),
        ["held_out (4 there, 3 now)"],
    ),
    "budget": (
        lambda: identity(config=SweepConfig(current_budget=9)),
        [f"current_budget ({2 * 2**30} there, 9 now)"],
    ),
    "two": (
        lambda: identity(digest="e" * 64, seed=1),
        ["data", "seed (0 there, 1 now)"],
    ),
}


@pytest.mark.parametrize(("other", "texts"), DIFFERENT.values(), ids=DIFFERENT)
def test_what_changes_the_result_is_named(other, texts):
    assert differences(identity(), other()) == texts


def test_what_changes_nothing_does_not_count():
    config = SweepConfig(progress=True, checkpoint="x")
    assert identity(config=config, timesteps=[8, 4]) == identity()


def test_the_same_network_converted_again_is_the_same():
    again = convert(build("relu_layers"))
    assert identity(again) == identity()


def test_versions_count():
    there = identity()
    versions = {**there["versions"], "tfsnn": "0.0.1"}
    (text,) = differences({**there, "versions": versions}, there)
    assert text.startswith("versions ({'tfsnn': '0.0.1'} there, {'tfsnn': '")


def test_a_part_that_only_one_knows_differs():
    here = {"seed": 0, "new": 1}
    assert differences({"seed": 0}, here) == ["new (None there, 1 now)"]
    assert differences(here, {"seed": 0}) == ["new (1 there, None now)"]


@dataclasses.dataclass(frozen=True)
class Scaled:
    sets_threshold = False
    factor: object

    def __call__(self, tap, parameters, timesteps):
        return parameters


@pytest.mark.parametrize(
    ("factor", "other"),
    [
        (np.arange(3.0), np.arange(3.0) + 1),
        (np.float32(1), np.float32(2)),
        ({1.5j}, {2.5j}),
    ],
    ids=["array", "scalar", "object"],
)
def test_hyper_parameters_may_be_anything(factor, other):
    first, same, second = (
        identity(pipeline=Pipeline("own", (MmseThreshold(), Scaled(value))))
        for value in (factor, factor, other)
    )
    assert json.loads(json.dumps(first)) == first == same
    assert first != second


def test_the_network_stays_as_it_is():
    converted = convert(build("residual"))
    before = converted.analog.get_weights()
    identity(converted)
    for a, b in zip(before, converted.analog.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
