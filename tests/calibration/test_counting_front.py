import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from tests.support.convertible import build, make_images
from tests.support.kinds import KINDS
from tfsnn import ConversionConfig, convert
from tfsnn.calibration import (
    BiasCalibration,
    Pipeline,
    SweepConfig,
    TemporalBiasCalibration,
    sweep,
)
from tfsnn.calibration.counting_front import CountingFront, CountRun
from tfsnn.calibration.fronts import SpikingFront
from tfsnn.calibration.neuron_run import NeuronRun
from tfsnn.calibration.thresholds import MaximumThreshold
from tfsnn.dynamics import IntegrateAndFire
from tfsnn.types import NeuronParameters

T = 8
QUIET = SweepConfig(progress=False, lag=T)


@dataclasses.dataclass(frozen=True)
class PowerOfTwo:
    """A threshold that leaves nothing to round."""

    sets_threshold = True
    threshold: float = 2.0

    def __call__(self, tap, parameters, timesteps):
        threshold = np.float32(self.threshold)
        charge = np.float32(tap.kind.rounding_charge(timesteps))
        return NeuronParameters(threshold, charge * threshold)


@pytest.fixture
def spiking_instead(monkeypatch):
    """The same sweep on spike trains."""

    def front(segments, images, timesteps, *, lag, kind, junction_budget):
        return SpikingFront(segments, images, timesteps, lag=lag, kind=kind)

    return lambda: monkeypatch.setattr(sweep, "_front", front)


PIPELINE = Pipeline("p", (PowerOfTwo(), BiasCalibration(0.5)))


@pytest.mark.parametrize(
    ("name", "neuron"),
    [
        ("residual", "if"),
        ("pre_activation", "if"),
        ("concatenated", "if"),
        ("two_outputs", "if"),
        ("residual", "signed"),
        ("residual", "burst"),
        ("residual", "bit_plane"),
        ("pre_activation", "bit_plane"),
    ],
)
def test_a_sweep_on_counts_is_the_one_on_spikes(name, neuron, spiking_instead):
    config = ConversionConfig(neuron=neuron, max_spikes=2)
    converted = convert(build(name), config=config)
    images = make_images(32)
    on_counts = sweep.sweep(converted, images, [T], PIPELINE, QUIET)
    spiking_instead()
    on_spikes = sweep.sweep(converted, images, [T], PIPELINE, QUIET)
    for counts, spikes in zip(on_counts[1], on_spikes[1], strict=True):
        assert counts.accepted == spikes.accepted
        # Sums round differently: a count may be another one at a tie.
        assert counts.error_after == pytest.approx(spikes.error_after, 1e-3)
    for neuron, parameters in on_counts[0][T].items():
        other = on_spikes[0][T][neuron]
        np.testing.assert_array_equal(parameters.threshold, other.threshold)
        if parameters.bias is not None:
            np.testing.assert_allclose(parameters.bias, other.bias, atol=1e-3)


def test_memory_does_not_grow_with_t():
    sizes = []
    for timesteps in (8, 4096):
        front = CountingFront([], make_images(4), timesteps)
        sizes.append(front.num_bytes)
    assert sizes[0] == sizes[1]


def test_any_number_of_steps_costs_the_same(monkeypatch):
    """The affine part of a segment sees each image once for each T."""
    rows = []
    current = CountingFront.current

    def counted(self, segment, affine, index):
        result = current(self, segment, affine, index)
        rows.append(len(result))
        return result

    monkeypatch.setattr(CountingFront, "current", counted)
    pipeline = Pipeline("p", (MaximumThreshold("channel"),))
    converted = convert(build("residual"))
    config = dataclasses.replace(QUIET, lag=4096)
    sweep.sweep(converted, make_images(32), [4096], pipeline, config)
    assert sum(rows) == 32 * len(converted.neuron_names)


@pytest.mark.parametrize(
    ("kind", "counting"),
    [(IntegrateAndFire("hard"), False), *((k, True) for k in KINDS.values())],
    ids=str,
)
def test_what_runs_on_counts(kind, counting):
    front = sweep._front(
        [], make_images(4), T, lag=T, kind=kind, junction_budget=0
    )
    assert (front.counting, front.kind) == (counting, kind)


def test_a_temporal_bias_has_nothing_to_do():
    pipeline = Pipeline("p", (PowerOfTwo(), TemporalBiasCalibration()))
    converted = convert(build("residual"))
    parameters, steps = sweep.sweep(
        converted, make_images(32), [T], pipeline, QUIET
    )
    assert all(p.temporal_bias is None for p in parameters[T].values())
    assert not any(s.accepted for s in steps if s.strategy != "PowerOfTwo")


PARAMETERS = NeuronParameters(
    np.float32([1, 2, 0.5]),
    np.float32([0.5, 3, -1]),
    np.float32([0.25, 0, -0.5]),
)


@pytest.mark.parametrize("steady", [True, False])
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_count_is_what_the_neuron_fires(kind, steady, rng):
    """Multiples of 1/8, with potentials above the threshold and below 0."""
    current = tf.constant(rng.integers(-16, 33, (5, 4, 3)) / 8, tf.float32)
    options = {"timesteps": T, "kind": kind}
    counted = CountRun(PARAMETERS, steady=steady, **options)
    fired = NeuronRun(PARAMETERS, constant=steady, lag=T, **options)
    train = current if steady else tf.tile(current, [T, 1, 1])
    np.testing.assert_array_equal(
        counted.mean_output(current), fired.mean_output(train)
    )


def test_many_steps_are_the_analog_network():
    """Of images whose maximum is known, only quantisation is left."""
    converted = convert(build("residual"))
    pipeline = Pipeline("p", (MaximumThreshold("layer"),))
    config = dataclasses.replace(QUIET, lag=2**16, held_out=2)
    images = np.repeat(make_images(16), 2, axis=0)
    _, steps = sweep.sweep(converted, images, [2**16], pipeline, config)
    assert max(step.error_after for step in steps) < 1e-6
