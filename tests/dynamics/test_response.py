"""The response that weights are trained through."""

import numpy as np
import pytest
import tensorflow as tf

from tests.support.kinds import KINDS
from tfsnn.dynamics import drop_quantiser, quantised
from tfsnn.numerics import response

T = 4
THRESHOLD = np.array([1.0, 2.0, 0.5])
# Multiples of 1/64: every number below is exact in float32 as well.
CURRENT = np.random.default_rng(0).integers(-128, 256, (50, 3)) / 64
RATIOS = {"floor": 0.0, "round": 0.5}
every_ratio = pytest.mark.parametrize(
    "ratio", RATIOS.values(), ids=RATIOS.keys()
)


def output_and_gradients(current, threshold, potential):
    """The response and the gradients of its sum."""
    inputs = (current, threshold, potential)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        output = quantised(*inputs, T)
        total = tf.reduce_sum(output)
    return output, tape.gradient(total, inputs)


WAYS = {
    "eager": output_and_gradients,
    "graph": tf.function(output_and_gradients),
    "xla": tf.function(output_and_gradients, jit_compile=True),
}


def tensors(ratio, dtype="float64"):
    values = (CURRENT, THRESHOLD, ratio * THRESHOLD)
    return tuple(tf.constant(value, dtype) for value in values)


def levels(ratio):
    """Whole numbers before the clip, and where they are in 0...T."""
    floor = np.floor(T * CURRENT / THRESHOLD + ratio)
    return floor, (floor >= 0) & (floor <= T)


@every_ratio
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("way", WAYS)
def test_equals_the_response_of_the_neuron(way, dtype, ratio):
    output, _ = WAYS[way](*tensors(ratio, dtype))
    expected = response(CURRENT, THRESHOLD, T, ratio * THRESHOLD)
    assert output.dtype == dtype
    np.testing.assert_array_equal(output, expected)


@every_ratio
@pytest.mark.parametrize("way", WAYS)
def test_gradient_of_the_current_is_one_inside_and_zero_outside(way, ratio):
    _, (gradient, _, _) = WAYS[way](*tensors(ratio))
    _, inside = levels(ratio)
    assert 0 < inside.mean() < 1
    np.testing.assert_array_equal(gradient, inside)


@every_ratio
def test_gradient_of_the_potential(ratio):
    _, (_, _, gradient) = output_and_gradients(*tensors(ratio))
    _, inside = levels(ratio)
    np.testing.assert_array_equal(gradient, inside.sum(axis=0) / T)


@every_ratio
def test_gradient_of_a_threshold_whose_potential_follows(ratio):
    current, threshold, _ = tensors(ratio)
    with tf.GradientTape() as tape:
        tape.watch(threshold)
        output = quantised(current, threshold, ratio * threshold, T)
    gradient = tape.gradient(output, threshold)
    floor, inside = levels(ratio)
    q = THRESHOLD / T * np.clip(floor, 0, T)
    expected = ((q - inside * CURRENT) / THRESHOLD).sum(axis=0)
    # Sums of 50 exact numbers in another order: dyadic, so exact too.
    np.testing.assert_allclose(gradient, expected, rtol=1e-12)


def test_gradient_of_a_threshold_whose_potential_stays():
    _, (_, gradient, _) = output_and_gradients(*tensors(0.5))
    floor, inside = levels(0.5)
    q = THRESHOLD / T * np.clip(floor, 0, T)
    input_charge = CURRENT + 0.5 * THRESHOLD / T
    expected = ((q - inside * input_charge) / THRESHOLD).sum(axis=0)
    np.testing.assert_allclose(gradient, expected, rtol=1e-12)  # As above.


@pytest.mark.parametrize(
    "shape", [(), (3,), (2, 5, 3)], ids=["layer", "channel", "neuron"]
)
def test_parameters_of_any_granularity(rng, shape):
    current = rng.normal(size=(4, 2, 5, 3))
    threshold = rng.uniform(0.5, 2, shape)
    output = quantised(tf.constant(current), threshold, threshold / 2, T)
    expected = response(current, threshold, T, threshold / 2)
    # Not dyadic: the last bit may differ.
    np.testing.assert_allclose(output, expected, rtol=1e-12)


def of_a_kind(kind, current, ratio):
    """Level by level, as `NeuronKind.count` has it for two phases."""
    start = tf.constant(ratio * kind.rounding_charge(T) * 2, tf.float64)
    levels = kind.quantiser(T).levels_per_threshold
    counts = kind.count(
        start, tf.constant(current / THRESHOLD), T, constant=False
    )
    return counts.numpy() * THRESHOLD / levels


@every_ratio
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_equals_the_counts_of_every_kind(kind, ratio):
    potential = ratio * kind.rounding_charge(T) * 2 * THRESHOLD
    output = quantised(
        *map(tf.constant, (CURRENT, THRESHOLD, potential)),
        T,
        quantiser=kind.quantiser(T),
    )
    np.testing.assert_array_equal(output, of_a_kind(kind, CURRENT, ratio))


@every_ratio
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_gradients_of_every_kind(kind, ratio):
    quantiser = kind.quantiser(T)
    charge = ratio * kind.rounding_charge(T) * 2
    current, threshold = tf.constant(CURRENT), tf.constant(THRESHOLD)
    with tf.GradientTape(persistent=True) as tape:
        potential = charge * threshold
        tape.watch((current, threshold, potential))
        output = quantised(
            current,
            threshold,
            charge * threshold,
            T,
            quantiser=quantiser,
        )
        fixed = quantised(current, threshold, potential, T, quantiser=quantiser)
    levels = quantiser.levels_per_threshold
    floor = np.floor(levels * CURRENT / THRESHOLD + ratio)
    inside = (floor >= 0) & (floor <= quantiser.num_levels)
    np.testing.assert_array_equal(tape.gradient(output, current), inside)
    np.testing.assert_array_equal(
        tape.gradient(fixed, potential), inside.sum(axis=0) / T
    )
    expected = (output - inside * CURRENT) / THRESHOLD
    np.testing.assert_allclose(
        tape.gradient(output, threshold), expected.numpy().sum(axis=0)
    )


def dropped(probability, seed=(1, 2)):
    current, threshold, potential = tensors(0.5)
    output = quantised(current, threshold, potential, T)
    return drop_quantiser(
        output, current, threshold, probability=probability, seed=seed
    ).numpy()


def test_a_dropped_quantiser_leaves_the_clip():
    expected = np.clip(CURRENT, 0, THRESHOLD)
    np.testing.assert_array_equal(dropped(1.0), expected)


def test_probability_zero_drops_nothing():
    np.testing.assert_array_equal(
        dropped(0.0), response(CURRENT, THRESHOLD, T, THRESHOLD / 2)
    )


def test_values_are_dropped_one_by_one():
    clipped = np.clip(CURRENT, 0, THRESHOLD)
    q = response(CURRENT, THRESHOLD, T, THRESHOLD / 2)
    differ = clipped != q
    got = dropped(0.5)
    chosen = (got == clipped)[differ]
    np.testing.assert_array_equal(got[differ][~chosen], q[differ][~chosen])
    # About 70 values differ: 5 standard deviations are 0.3.
    assert 0.2 < chosen.mean() < 0.8


def test_a_seed_drops_the_same_values():
    np.testing.assert_array_equal(dropped(0.5, (3, 4)), dropped(0.5, (3, 4)))
    assert (dropped(0.5, (3, 4)) != dropped(0.5, (3, 5))).any()


def test_gradient_of_a_dropped_quantiser_is_that_of_the_clip():
    current, threshold, potential = tensors(0.5)
    with tf.GradientTape() as tape:
        tape.watch((current, threshold))
        output = quantised(current, threshold, potential, T)
        output = drop_quantiser(
            output, current, threshold, probability=1.0, seed=(0, 0)
        )
    gradients = tape.gradient(output, (current, threshold))
    inside = (CURRENT >= 0) & (CURRENT <= THRESHOLD)
    np.testing.assert_array_equal(gradients[0], inside)
    above = (CURRENT > THRESHOLD).sum(axis=0)
    np.testing.assert_array_equal(gradients[1], above)
