"""Laws of the numeric functions, on numbers that hypothesis picks."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.reference import quantiser
from tests.reference.neuron import count_spikes
from tfsnn.numerics import (
    KernelLayout,
    SortedActivations,
    fold_into_consumer,
    fold_into_producer,
    rescale_kernel,
    response,
    spike_count,
)

# Multiples of 1/256: sums and products of a few are exact in float64.
currents = st.integers(-512, 2048).map(lambda n: n / 256)
dyadic_thresholds = st.integers(-4, 4).map(lambda n: 2.0**n)
charges = st.sampled_from([0.0, 0.25, 0.5, 0.75])
timesteps = st.integers(1, 64)
roundings = st.sampled_from(["floor", "round"])
activation_lists = st.lists(
    st.integers(0, 4096).map(lambda n: n / 256), min_size=1, max_size=40
)
seeds = st.integers(0, 2**32 - 1)


@st.composite
def layouts(draw):
    """A layout with the shape of a kernel of it."""
    kind = draw(st.sampled_from(["dense", "convolution", "depthwise"]))
    first, second = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    if kind == "dense":
        return KernelLayout(kind), (first, second)
    taps = draw(st.lists(st.integers(1, 3), min_size=1, max_size=3))
    if kind == "depthwise":
        return KernelLayout(kind), (*taps, first, second)
    groups = draw(st.integers(1, 3))
    return KernelLayout(kind, groups), (*taps, first, second * groups)


@given(currents, dyadic_thresholds, timesteps, charges)
def test_count_equals_simulation(current, threshold, steps, charge):
    potential = charge * threshold
    assert spike_count(current, threshold, steps, potential) == count_spikes(
        current, threshold, steps, potential
    )


@given(currents, dyadic_thresholds, timesteps, charges, st.integers(-8, 8))
def test_scaling_by_a_power_of_two_scales_the_response(
    current, threshold, steps, charge, exponent
):
    scale, potential = 2.0**exponent, charge * threshold
    scaled = response(
        scale * current, scale * threshold, steps, scale * potential
    )
    assert scaled == scale * response(current, threshold, steps, potential)


@given(currents, currents, st.floats(0.01, 100), timesteps, charges)
def test_response_does_not_fall_with_the_current(
    first, second, threshold, steps, charge
):
    low, high = sorted([first, second])
    potential = charge * threshold
    assert response(low, threshold, steps, potential) <= response(
        high, threshold, steps, potential
    )


@given(activation_lists, dyadic_thresholds, st.integers(0, 6), roundings)
def test_error_equals_the_oracle_on_dyadic_numbers(
    values, threshold, exponent, rounding
):
    charge = {"floor": 0.0, "round": 0.5}[rounding]
    expected = quantiser.mean_squared_error(
        np.array(values), threshold, 2**exponent, charge
    )
    error = SortedActivations(values, "layer").mean_squared_error(
        threshold, 2**exponent, rounding=rounding
    )
    # Every sum is exact; only the final division rounds.
    np.testing.assert_allclose(error, expected, rtol=1e-15)


@given(activation_lists, timesteps, roundings)
def test_mmse_lies_in_the_range_and_beats_the_maximum(values, steps, rounding):
    prepared = SortedActivations(values, "layer")
    threshold = prepared.mmse(steps, rounding=rounding)
    assert 0 < threshold <= prepared.maximum()
    assert prepared.mean_squared_error(
        threshold, steps, rounding=rounding
    ) <= prepared.mean_squared_error(
        prepared.maximum(), steps, rounding=rounding
    )


@given(seeds, timesteps, roundings, st.integers(-8, 8))
def test_mmse_scales_with_the_activations(seed, steps, rounding, exponent):
    values = np.random.default_rng(seed).exponential(size=(30, 2))
    threshold = SortedActivations(values).mmse(steps, rounding=rounding)
    scaled = SortedActivations(2.0**exponent * values)
    np.testing.assert_array_equal(
        scaled.mmse(steps, rounding=rounding), 2.0**exponent * threshold
    )


@given(seeds, timesteps)
def test_order_of_the_activations_does_not_matter(seed, steps):
    rng = np.random.default_rng(seed)
    values = rng.exponential(size=(30, 2))
    np.testing.assert_array_equal(
        SortedActivations(rng.permutation(values)).mmse(steps),
        SortedActivations(values).mmse(steps),
    )


@given(activation_lists, st.floats(1, 100), st.floats(1, 100))
def test_percentiles_rise_to_the_maximum(values, first, second):
    prepared = SortedActivations(values, "layer")
    low, high = sorted([first, second])
    if np.percentile(values, low) > 0:
        assert prepared.percentile(low) <= prepared.percentile(high)
    assert 0 < prepared.percentile(high) <= prepared.maximum()


@given(seeds, st.integers(1, 500), st.integers(1, 500))
def test_subsample_is_part_of_the_data(seed, total, kept):
    values = np.random.default_rng(seed).permutation(total) + 1.0
    prepared = SortedActivations(values, "layer", max_values_per_channel=kept)
    assert prepared.percentile(50) <= prepared.maximum() == total


@given(layouts(), seeds)
def test_folding_back_restores_the_layer(layout_and_shape, seed):
    layout, shape = layout_and_shape
    rng = np.random.default_rng(seed)
    kernel = rng.integers(-8, 9, shape).astype("float64")
    channels = layout.num_output_channels(kernel)
    bias = rng.integers(-8, 9, channels).astype("float64")
    # Powers of two and integers: exact both ways.
    scale = 2.0 ** rng.integers(-4, 5, channels)
    shift = rng.integers(-8, 9, channels).astype("float64")
    there = fold_into_producer(kernel, bias, scale, shift, layout=layout)
    back = fold_into_producer(*there, 1 / scale, -shift / scale, layout=layout)
    np.testing.assert_array_equal(back[0], kernel)
    np.testing.assert_array_equal(back[1], bias)


@given(layouts(), seeds)
def test_consumer_without_shift_is_weight_rescaling(layout_and_shape, seed):
    layout, shape = layout_and_shape
    rng = np.random.default_rng(seed)
    kernel = rng.normal(size=shape)
    threshold = rng.uniform(0.1, 2, layout.num_input_channels(kernel))
    folded, bias = fold_into_consumer(
        kernel, None, threshold, 0.0, layout=layout
    )
    np.testing.assert_array_equal(
        folded, rescale_kernel(kernel, threshold, layout=layout)
    )
    np.testing.assert_array_equal(bias, 0.0)
