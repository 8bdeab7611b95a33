"""Laws of the neuron, on numbers that hypothesis picks.

Currents and potentials are multiples of 1/16 of the threshold, thresholds
multiples of 1/8: nothing rounds, so every law holds to the bit.
"""

import numpy as np
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from tests.reference.neuron import integrate_and_fire
from tfsnn.dynamics import (
    RESETS,
    count_constant,
    count_two_phase,
    fire_soft_reset,
    scan,
)
from tfsnn.layers import CountActivation, IFCell, SpikingActivation
from tfsnn.numerics import response, spike_count

thresholds = st.integers(1, 32).map(lambda n: n / 8)
charges = st.integers(0, 15).map(lambda n: n / 16)
resets = st.sampled_from(sorted(RESETS))
seeds = st.integers(0, 2**32 - 1)


@st.composite
def trains(draw):
    """Currents `[T, B, C]` in thresholds, and a lag that fits."""
    timesteps = draw(st.integers(1, 12))
    shape = (timesteps, draw(st.integers(1, 3)), draw(st.integers(1, 3)))
    rng = np.random.default_rng(draw(seeds))
    current = rng.integers(-16, 33, shape) / 16
    return current, draw(st.integers(0, timesteps))


def run(current, lag, start, fire=fire_soft_reset):
    sequence = tf.constant(current)
    spikes, (potential,) = scan(
        lambda step: sequence[step],
        (tf.fill(current.shape[1:], tf.constant(start, tf.float64)),),
        lambda state, step: fire(state),
        timesteps=len(current),
        lag=lag,
    )
    return spikes.numpy(), potential.numpy()


def activation(timesteps, threshold, charge, **arguments):
    """A float64 layer; `charge` is v0 in thresholds."""
    cell = IFCell(threshold, charge * threshold, dtype="float64")
    return SpikingActivation(timesteps, cell, dtype="float64", **arguments)


def fold(sequence):
    return sequence.reshape(-1, *sequence.shape[2:])


@given(trains(), charges, resets)
def test_scan_equals_the_oracle(train, start, reset):
    current, lag = train
    spikes, potential = run(current, lag, start, RESETS[reset])
    expected = integrate_and_fire(current, 1.0, start, reset=reset, lag=lag)
    np.testing.assert_array_equal(spikes, expected.spikes)
    np.testing.assert_array_equal(potential, expected.potential)


@given(trains(), charges)
def test_charge_is_conserved(train, start):
    current, lag = train
    spikes, potential = run(current, lag, start)
    left = start + current.sum(axis=0) - spikes.sum(axis=0)
    np.testing.assert_array_equal(potential, left)


@given(trains(), charges)
def test_two_phase_counts_are_the_closed_form_of_the_total(train, start):
    current, _ = train
    timesteps = len(current)
    spikes, _ = run(current, timesteps, start)
    # A mean would round unless T is a power of two; the total does not.
    total = start + current.sum(axis=0)
    closed = np.clip(np.floor(total), 0, timesteps)
    np.testing.assert_array_equal(spikes.sum(axis=0), closed)


@given(trains(), thresholds, charges)
def test_two_phase_layer_counts_like_spike_count(train, threshold, charge):
    current, _ = train
    # Power-of-two T, so that the mean current is a dyadic number as well.
    current = np.concatenate([current] * 8)[:8] * threshold
    layer = activation(8, threshold, charge, lag=8)
    spikes = layer(fold(current)).numpy().reshape(current.shape)
    counts = spike_count(current.mean(axis=0), threshold, 8, charge * threshold)
    np.testing.assert_array_equal(spikes.sum(axis=0) / threshold, counts)


@given(trains(), thresholds, st.sampled_from([1, 2, 4, 8, 16]))
def test_constant_current_gives_the_closed_form(train, threshold, timesteps):
    current = train[0][0] * threshold
    layer = activation(timesteps, threshold, 0.5, temporal_input=False)
    spikes = layer(current).numpy().reshape(timesteps, *current.shape)
    expected = response(current, threshold, timesteps, threshold / 2)
    np.testing.assert_array_equal(spikes.mean(axis=0), expected)


@given(trains(), thresholds, st.integers(1, 12))
def test_constant_current_gives_the_count_at_any_timesteps(
    train, threshold, timesteps
):
    current = train[0][0] * threshold
    layer = activation(timesteps, threshold, 0.5, temporal_input=False)
    spikes = layer(current).numpy().reshape(timesteps, *current.shape)
    counts = spike_count(current, threshold, timesteps, threshold / 2)
    np.testing.assert_array_equal(spikes.sum(axis=0) / threshold, counts)


@given(trains(), st.floats(0.1, 10), st.integers(-8, 8), seeds)
def test_a_power_of_two_scales_the_spikes(train, threshold, exponent, seed):
    # Any floats: a power of two changes no rounding.
    shape, lag = train[0].shape, train[1]
    current = np.random.default_rng(seed).normal(size=shape)
    factor = 2.0**exponent
    layer = activation(shape[0], threshold, 0.3, lag=lag)
    scaled = activation(shape[0], factor * threshold, 0.3, lag=lag)
    np.testing.assert_array_equal(
        scaled(fold(factor * current)), factor * layer(fold(current)).numpy()
    )


# From far below zero to several thresholds above.
starts = st.integers(-80, 80).map(lambda n: n / 16)


@given(trains(), starts)
def test_two_phase_counts_are_those_of_the_oracle(train, start):
    current, _ = train
    timesteps = len(current)
    slow = integrate_and_fire(current, 1.0, start, lag=timesteps)
    # A mean would round unless T is a power of two; the total does not.
    total = tf.constant(current.sum(axis=0))
    counts = count_two_phase(start + total, tf.zeros_like(total), timesteps)
    np.testing.assert_array_equal(counts, slow.spikes.sum(axis=0))


@given(trains(), starts, st.integers(1, 40))
def test_constant_counts_are_those_of_the_oracle(train, start, timesteps):
    current = train[0][0] * 2
    repeated = np.broadcast_to(current, (timesteps, *current.shape))
    slow = integrate_and_fire(repeated, 1.0, start)
    start = tf.constant(start, tf.float64)
    counts = count_constant(start, tf.constant(current), timesteps)
    np.testing.assert_array_equal(counts, slow.spikes.sum(axis=0))


@given(trains(), thresholds, starts, st.booleans(), st.booleans())
def test_count_layer_gives_the_mean_of_the_spikes(
    train, threshold, start, temporal, unit
):
    # Power-of-two T, so that means are dyadic numbers as well.
    current = np.concatenate([train[0]] * 8)[:8] * threshold
    given = fold(current) if temporal else current[0]
    mean = current.mean(axis=0) if temporal else current[0]
    values = "unit" if unit else "threshold"
    cell = IFCell(
        threshold, start * threshold, spike_values=values, dtype="float64"
    )
    options = {"temporal_input": temporal, "dtype": "float64"}
    spikes = SpikingActivation(8, cell, lag=8 * temporal, **options)(given)
    means = CountActivation(8, cell, **options)(mean)
    spikes = spikes.numpy().reshape(current.shape)
    np.testing.assert_array_equal(means, spikes.mean(axis=0))


@given(trains(), charges, seeds)
def test_two_phase_does_not_care_when_current_comes(train, start, seed):
    """All of it is there before the first decision: its order is nothing."""
    current, _ = train
    timesteps = len(current)
    order = np.random.default_rng(seed).permutation(timesteps)
    spikes, potential = run(current, timesteps, start)
    again, left = run(current[order], timesteps, start)
    np.testing.assert_array_equal(spikes, again)
    np.testing.assert_array_equal(potential, left)
