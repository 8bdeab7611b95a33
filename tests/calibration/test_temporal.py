import re

import numpy as np
import pytest

from tests.support.kinds import STEPWISE
from tests.support.segment_views import view_of
from tfsnn.calibration import Tap, TemporalBiasCalibration
from tfsnn.dynamics import BitPlane, IntegrateAndFire
from tfsnn.types import NeuronParameters

T, FEATURES = 4, (2, 2, 3)


def forward_temporal_bias(current, analog, neuron, settings, kind, lag):
    """The reference: one neuron, one step, one number at a time.

    Args:
        current: `[T, N, ..., C]`.
        analog: `[N, ..., C]`.
        neuron: Threshold, initial potential and bias, each `[C]`.
        settings: Number of passes, damping.
        kind: `"soft"` or `"hard"`, `"signed"`, or the largest burst.
        lag: Steps of charging before the first decision.
    """
    threshold, start, bias = neuron
    passes, damping = settings
    axes = tuple(range(analog.ndim - 1))
    table = np.zeros((len(current), analog.shape[-1]))
    for _ in range(passes):
        potential = np.broadcast_to(start, analog.shape).astype("float64")
        sent = np.zeros(analog.shape)
        for step in range(len(current) + lag):
            if step < len(current):
                potential = potential + current[step] + bias
            if step < lag:
                continue
            row = table[step - lag]
            output = fired(kind, potential + row, sent, threshold)
            row += damping * (analog - output).mean(axes)
            potential = potential + row
            output = fired(kind, potential, sent, threshold)
            sent = sent + output
            if kind == "hard":
                potential = np.where(output > 0, 0.0, potential)
            else:
                potential = potential - output
    return table


def fired(kind, potential, sent, threshold):
    """What neurons send in one step, in activation units."""
    if kind == "signed":
        down = (potential < 0) & (sent >= threshold)
        return threshold * ((potential >= threshold) * 1.0 - down)
    most = kind if isinstance(kind, int) else 1
    return threshold * np.clip(np.floor(potential / threshold), 0, most)


@pytest.fixture
def data(rng):
    """Currents of two batches, their joint targets, and a neuron."""
    batches = [
        rng.normal(0.3, 0.8, (T, count, *FEATURES)).astype("float32")
        for count in (5, 3)
    ]
    mean = np.concatenate(batches, axis=1).mean(axis=0)
    parameters = NeuronParameters(
        np.float32([1, 0.5, 2]),
        np.float32([0.5, 0.25, 1]),
        np.float32([0.125, 0, -0.25]),
    )
    return batches, np.maximum(mean, 0), parameters


def neuron(parameters):
    return (
        parameters.threshold,
        parameters.initial_potential,
        parameters.bias,
    )


@pytest.mark.parametrize("reset", ["soft", "hard"])
@pytest.mark.parametrize("lag", [0, 1, T])
def test_equals_the_reference(data, lag, reset):
    batches, analog, parameters = data
    strategy = TemporalBiasCalibration(iterations=3, damping=0.5)
    kind = IntegrateAndFire(reset)
    tap = Tap(analog, None, view=view_of(batches, lag=lag, kind=kind))
    got = strategy(tap, parameters, T)
    expected = forward_temporal_bias(
        np.concatenate(batches, axis=1),
        analog,
        neuron(parameters),
        (3, 0.5),
        reset,
        lag,
    )
    assert np.abs(expected).min() > 0
    # Float32 against float64; no potential is that close to its threshold.
    np.testing.assert_allclose(got.temporal_bias, expected, atol=1e-5)


@pytest.mark.parametrize("name", ["signed", "burst"])
@pytest.mark.parametrize("lag", [0, 1])
def test_equals_the_reference_of_its_kind(data, lag, name):
    batches, analog, parameters = data
    batches = [2 * batch for batch in batches]
    kind = STEPWISE[name]
    tap = Tap(analog, None, view=view_of(batches, lag=lag, kind=kind))
    got = TemporalBiasCalibration(iterations=3)(tap, parameters, T)
    expected = forward_temporal_bias(
        np.concatenate(batches, axis=1),
        analog,
        neuron(parameters),
        (3, 0.5),
        "signed" if name == "signed" else kind.max_spikes,
        lag,
    )
    plain = Tap(analog, None, view=view_of(batches, lag=lag))
    other = TemporalBiasCalibration(iterations=3)(plain, parameters, T)
    assert np.abs(other.temporal_bias - expected).max() > 1e-3
    # Float32 against float64; no potential is that close to its threshold.
    np.testing.assert_allclose(got.temporal_bias, expected, atol=1e-5)


def test_bit_planes_are_refused(data):
    batches, analog, parameters = data
    strategy = TemporalBiasCalibration()
    reason = "evens out what comes at each step.*supported: 'if', 'signed'"
    assert re.search(reason, strategy.refusal(BitPlane()))
    assert all(strategy.refusal(kind) is None for kind in STEPWISE.values())
    # Also where nobody asked.
    view = view_of(batches, lag=T, kind=BitPlane())
    text = "temporal bias was proposed for neurons of kind 'bit_plane'. Suppo"
    with pytest.raises(ValueError, match=text):
        strategy(Tap(analog, None, view=view), parameters, T)


def test_held_out_images_do_not_count(data):
    batches, analog, parameters = data
    fit = [np.arange(5) < 4, np.arange(3) < 1]
    strategy = TemporalBiasCalibration(iterations=2)
    chosen = np.concatenate(fit)
    tap = Tap(analog[chosen], None, view=view_of(batches, fit=fit))
    expected = forward_temporal_bias(
        np.concatenate(batches, axis=1)[:, chosen],
        analog[chosen],
        neuron(parameters),
        (2, 0.5),
        "soft",
        0,
    )
    got = strategy(tap, parameters, T)
    np.testing.assert_allclose(got.temporal_bias, expected, atol=1e-5)


def test_a_constant_current_flows_at_every_step(data):
    batches, analog, parameters = data
    constant = batches[0][0]
    strategy = TemporalBiasCalibration(iterations=2)
    taps = [
        Tap(analog[:5], None, view=view_of([constant], constant=True)),
        Tap(analog[:5], None, view=view_of([np.stack([constant] * T)])),
    ]
    one, other = (strategy(tap, parameters, T).temporal_bias for tap in taps)
    np.testing.assert_array_equal(one, other)


def test_evens_out_a_train_that_starts_late(rng):
    """All charge comes at the last step: the bias brings it forward."""
    current = np.zeros((T, 64, 1), "float32")
    current[-1] = rng.uniform(0, T, (64, 1))
    analog = current.mean(axis=0)
    parameters = NeuronParameters(np.float32([1]), np.float32([0.5]))
    tap = Tap(analog, None, view=view_of([current]))
    got = TemporalBiasCalibration()(tap, parameters, T)
    assert (got.temporal_bias[:-1].sum(axis=0) > 0).all()


def test_goes_on_from_the_bias_there_is(data):
    batches, analog, parameters = data
    tap = Tap(analog, None, view=view_of(batches))
    once, twice = (TemporalBiasCalibration(iterations=n) for n in (1, 2))
    first = once(tap, parameters, T)
    np.testing.assert_allclose(
        once(tap, first, T).temporal_bias,
        twice(tap, parameters, T).temporal_bias,
        atol=1e-6,  # The table is rounded to float32 in between.
    )


def test_uses_no_more_images_than_asked_for(data):
    batches, analog, parameters = data
    tap = Tap(analog, None, view=view_of(batches))
    first = Tap(analog, None, view=view_of(batches[:1]))
    few, all_ = (TemporalBiasCalibration(max_images=n) for n in (5, 8))
    expected = all_(first, parameters, T).temporal_bias
    got = few(tap, parameters, T).temporal_bias
    np.testing.assert_array_equal(got, expected)
    assert np.any(all_(tap, parameters, T).temporal_bias != expected)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"iterations": 0}, "`iterations` is 0"),
        ({"max_images": 2.5}, "`max_images` is 2.5"),
        ({"damping": 2}, "damping=2. Supported"),
    ],
)
def test_out_of_range_is_refused(arguments, text):
    with pytest.raises(ValueError, match=text):
        TemporalBiasCalibration(**arguments)
