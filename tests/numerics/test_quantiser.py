"""Levels and steps of the neurons."""

import numpy as np
import pytest

from tfsnn.numerics import Quantiser


@pytest.mark.parametrize(
    ("quantiser", "levels", "per_threshold"),
    [
        (Quantiser.of(8), 8, 8),
        (Quantiser.burst(8, 4), 8 * 4, 8),
        (Quantiser.bit_plane(4), 2**4 - 1, 2**4),
    ],
    ids=["plain", "burst", "bit_plane"],
)
def test_levels_of_neurons(quantiser, levels, per_threshold):
    assert quantiser == Quantiser(levels, per_threshold)


def test_quantiser_passes_through():
    quantiser = Quantiser(3, 2)
    assert Quantiser.of(quantiser) is quantiser


def test_burst_of_one_spike_is_plain():
    assert Quantiser.burst(8, 1) == Quantiser.of(8)


def test_largest_value_is_a_number_of_steps():
    # Twelve steps of a quarter of the threshold.
    quantiser = Quantiser(12, 4)
    np.testing.assert_array_equal(
        quantiser.largest_value(np.array([0.5, 2.0])), [0.5 * 3, 2.0 * 3]
    )


@pytest.mark.parametrize("quantiser", [Quantiser(12, 4), Quantiser(7, 8)])
def test_threshold_undoes_largest_value(quantiser, rng):
    threshold = rng.uniform(0.1, 9, 20)
    # Two products: two roundings.
    np.testing.assert_allclose(
        quantiser.threshold(quantiser.largest_value(threshold)),
        threshold,
        rtol=1e-15,
    )


def test_plain_neuron_keeps_its_threshold_to_the_bit(rng):
    threshold = rng.uniform(0.1, 9, 20)
    quantiser = Quantiser.of(7)
    np.testing.assert_array_equal(quantiser.threshold(threshold), threshold)
    np.testing.assert_array_equal(quantiser.largest_value(threshold), threshold)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Quantiser(0, 4), "`num_levels` is 0"),
        (lambda: Quantiser(4, 0.5), "`levels_per_threshold` is 0.5"),
        (lambda: Quantiser.of(0), "`timesteps` is 0"),
        (lambda: Quantiser.of("8"), "`timesteps` is '8'"),
        (lambda: Quantiser.burst(0, 4), "`timesteps` is 0"),
        (lambda: Quantiser.burst(8, 0), "`max_spikes` is 0"),
        (lambda: Quantiser.bit_plane(0), "`timesteps` is 0"),
    ],
    ids=["levels", "step", "of", "of-text", "burst", "spikes", "bit_plane"],
)
def test_numbers_of_levels_are_checked(make, text):
    with pytest.raises(ValueError, match=text):
        make()
