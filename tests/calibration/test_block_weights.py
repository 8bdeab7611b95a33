"""The strategy: what it reads, and what comes of it in a sweep."""

import dataclasses
import json

import numpy as np
import pytest

from tests.support.convertible import build, make_images
from tfsnn import convert
from tfsnn.calibration import (
    BlockCalibration,
    MaximumThreshold,
    Pipeline,
    SweepConfig,
    calibrate,
)
from tfsnn.calibration.strategy import describe
from tfsnn.graph.segments import INPUT

T = 4
QUICK = BlockCalibration(
    iterations=30, batch_size=8, check_every=5, learning_rate=1e-2
)


def run(name, *strategies, lag=0, images=64):
    return calibrate(
        convert(build(name)),
        make_images(images),
        timesteps=T,
        # Coarse: there is something to learn.
        pipeline=Pipeline("p", (MaximumThreshold("layer"), *strategies)),
        config=SweepConfig(lag=lag, progress=False),
    )


@dataclasses.dataclass(frozen=True)
class Looking:
    """Proposes nothing; remembers what can be seen."""

    sets_threshold = False
    seen: list = dataclasses.field(hash=False)
    max_segments: int = 4

    def __call__(self, tap, parameters, timesteps):
        horizon = tap.view.horizon(self.max_segments)
        inputs, target = tap.view.training_set()
        first = horizon.segments[0]
        assert first is tap.view.segment
        assert target.shape == horizon.targets[first.name].shape
        np.testing.assert_array_equal(horizon.targets[first.name], target)
        for name, values in zip(first.sources, inputs, strict=True):
            np.testing.assert_array_equal(horizon.inputs[name], values)
        self.seen.append(horizon)
        return parameters


@pytest.mark.parametrize("lag", [0, T])
def test_horizons_end_with_the_block(lag):
    seen = []
    run("residual", Looking(seen), lag=lag)
    first, second, third = convert(build("residual")).neuron_names
    assert [[s.name for s in h.segments] for h in seen] == [
        [first],
        [second, third],
        [third],
    ]
    assert [set(h.inputs) for h in seen] == [{INPUT}, {first}, {first, second}]
    # What is ahead is what comes.
    np.testing.assert_array_equal(
        seen[1].targets[third], seen[2].targets[third]
    )


def test_junctions_are_ahead_too():
    seen = []
    run("pre_activation", Looking(seen))
    assert [[s.role for s in h.segments] for h in seen] == [
        ["neuron", "junction"],
        ["neuron", "neuron"],
        ["neuron"],
    ]


def test_horizons_can_be_shorter():
    seen = []
    run("residual", Looking(seen, 1))
    assert [len(h.segments) for h in seen] == [1, 1, 1]


@pytest.mark.parametrize("lag", [0, T])
@pytest.mark.parametrize("name", ["residual", "pre_activation", "relu_layers"])
def test_in_a_sweep(name, lag):
    result = run(name, QUICK, lag=lag)
    tried = [s for s in result.steps if s.strategy == "BlockCalibration"]
    assert [s.segment for s in tried] == result.conversion.neuron_names
    accepted = [s for s in tried if s.accepted]
    assert accepted
    for step in accepted:
        assert step.error_after <= step.error_before
        assert result.parameters[T][step.segment].weights


def test_the_default_trains_everything():
    strategy = BlockCalibration()
    assert strategy.train_bias
    assert strategy.train_threshold
    assert strategy.drop_quantiser == 0.5
    assert strategy.optimizer == "adam"
    assert not strategy.sets_threshold


def test_describes_itself():
    row = describe(QUICK)
    assert row.pop("name") == "BlockCalibration"
    assert BlockCalibration(**json.loads(json.dumps(row))) == QUICK
    assert hash(QUICK) == hash(BlockCalibration(**row))


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"max_segments": 0}, "max_segments=0. Supported: whole numbers, 1"),
        ({"max_segments": 1.5}, "max_segments=1.5"),
        ({"iterations": 0}, "iterations=0. Supported"),
    ],
)
def test_values_are_checked(options, text):
    with pytest.raises(ValueError, match=text):
        BlockCalibration(**options)
