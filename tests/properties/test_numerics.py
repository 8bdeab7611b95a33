"""Laws of the numeric functions, on numbers that hypothesis picks."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.reference import gaussian, quantiser
from tests.reference.neuron import count_spikes
from tfsnn.numerics import (
    GainFit,
    KernelLayout,
    Quantiser,
    SortedActivations,
    equalisation_scale,
    fold_into_consumer,
    fold_into_producer,
    gaussian_threshold,
    least_squares_gain,
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
quantisers = st.one_of(
    st.builds(Quantiser.burst, timesteps, st.integers(1, 8)),
    st.builds(Quantiser.bit_plane, st.integers(1, 16)),
)


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


@given(activation_lists, quantisers, roundings)
def test_mmse_of_any_quantiser_lies_in_the_range(values, chosen, rounding):
    prepared = SortedActivations(values, "layer")
    threshold = prepared.mmse(chosen, rounding=rounding)
    # Multiplied and divided: two roundings.
    assert (
        0 < chosen.largest_value(threshold) <= prepared.maximum() * (1 + 2**-51)
    )


@given(activation_lists, dyadic_thresholds, st.integers(1, 6), roundings)
def test_more_levels_of_the_same_step_never_raise_the_error(
    values, threshold, levels, rounding
):
    prepared = SortedActivations(values, "layer")
    fewer, more = (
        prepared.mean_squared_error(
            threshold, Quantiser(n, 4), rounding=rounding
        )
        for n in (levels, levels + 1)
    )
    # Every sum is exact; only the final division rounds.
    assert more <= fewer


@given(seeds, timesteps)
def test_order_of_the_activations_does_not_matter(seed, steps):
    rng = np.random.default_rng(seed)
    values = rng.exponential(size=(30, 2))
    np.testing.assert_array_equal(
        SortedActivations(rng.permutation(values)).mmse(steps),
        SortedActivations(values).mmse(steps),
    )


@given(seeds, quantisers, roundings, st.integers(-20, 20))
def test_gaussian_threshold_scales_with_the_moments(
    seed, chosen, rounding, exponent
):
    rng = np.random.default_rng(seed)
    mean, deviation = rng.normal(size=4), rng.exponential(size=4)
    threshold, scaled = (
        gaussian_threshold(
            factor * mean, factor * deviation, chosen, rounding=rounding
        )
        for factor in (1.0, 2.0**exponent)
    )
    np.testing.assert_array_equal(scaled, 2.0**exponent * threshold)


@given(seeds, timesteps, roundings)
def test_gaussian_thresholds_permute_with_the_channels(seed, steps, rounding):
    rng = np.random.default_rng(seed)
    mean, deviation = rng.normal(size=6), rng.exponential(size=6)
    order = rng.permutation(6)
    np.testing.assert_array_equal(
        gaussian_threshold(
            mean[order], deviation[order], steps, rounding=rounding
        ),
        gaussian_threshold(mean, deviation, steps, rounding=rounding)[order],
    )


@given(st.floats(-3, 6), st.integers(1, 40), roundings)
def test_more_levels_never_raise_the_gaussian_error(mean, levels, rounding):
    charge = {"floor": 0.0, "round": 0.5}[rounding]
    fewer, more = (
        gaussian.mean_squared_error(
            mean,
            1.0,
            gaussian_threshold(mean, 1.0, n, rounding=rounding),
            n,
            charge,
        )
        for n in (levels, levels + 1)
    )
    # Jumps of the squared error fall between points of the integral.
    assert more <= fewer * (1 + 1e-3)


@given(seeds, st.floats(0.5, 2), st.floats(-3, 3))
def test_gain_of_a_line_is_the_line(seed, slope, offset):
    z = np.random.default_rng(seed).normal(size=(20, 3))
    gain, shift = least_squares_gain(z, slope * z + offset)
    # Roundings of sums of twenty.
    np.testing.assert_allclose(gain, slope, rtol=1e-12)
    np.testing.assert_allclose(shift, offset, rtol=1e-12, atol=1e-12)


@given(seeds, st.integers(1, 29))
def test_gain_does_not_depend_on_the_split(seed, cut):
    rng = np.random.default_rng(seed)
    z, y = rng.normal(size=(2, 30, 2))
    fit = GainFit()
    fit.add(z[:cut], y[:cut])
    fit.add(z[cut:], y[cut:])
    # Sums in another order.
    np.testing.assert_allclose(
        fit.result(), least_squares_gain(z, y), rtol=1e-10, atol=1e-12
    )


@given(seeds)
def test_equalising_twice_changes_nothing(seed):
    first, second = 10.0 ** np.random.default_rng(seed).uniform(-1, 1, (2, 5))
    scale = equalisation_scale(first, second)
    # Roundings of roots and quotients.
    np.testing.assert_allclose(
        equalisation_scale(first / scale, second * scale), 1.0, rtol=1e-14
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
