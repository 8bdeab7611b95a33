"""Closed form of the neuron against its simulation."""

import numpy as np
import pytest

from tests.reference.neuron import count_spikes
from tfsnn.numerics import response, spike_count


@pytest.mark.parametrize("timesteps", [1, 2, 8, 33])
@pytest.mark.parametrize("charge", [0.0, 0.25, 0.5], ids=lambda c: f"v0={c}")
@pytest.mark.parametrize("threshold", [0.5, 1.0, 4.0])
def test_count_equals_simulation_on_dyadic_numbers(
    timesteps, charge, threshold
):
    # Sums of multiples of 1/64 are exact, in the loop as in the formula.
    current = np.arange(-64, 6 * 64, 7) / 64
    expected = [
        count_spikes(x, threshold, timesteps, charge * threshold)
        for x in current
    ]
    count = spike_count(current, threshold, timesteps, charge * threshold)
    np.testing.assert_array_equal(count, expected)


@pytest.mark.parametrize(
    ("current", "expected"),
    [(-1.0, 0), (0.0, 0), (0.49, 1), (0.5, 2), (1.0, 4), (9.0, 4)],
)
def test_count_floors_and_clips(current, expected):
    # floor(4 * x / 1), between 0 and 4
    assert spike_count(current, 1.0, 4) == expected


@pytest.mark.parametrize(
    ("current", "expected"), [(0.1, 0), (0.125, 1), (0.374, 1), (0.375, 2)]
)
def test_half_a_threshold_of_charge_rounds(current, expected):
    # floor(4 * x / 1 + 1/2)
    assert spike_count(current, 1.0, 4, initial_potential=0.5) == expected


def test_response_is_count_times_a_step_of_threshold_over_timesteps():
    assert response(1.3, threshold=2.0, timesteps=4) == 2.0 / 4 * 2


@pytest.mark.parametrize("timesteps", [3, 7, 10, 2048])
@pytest.mark.parametrize("threshold", [0.1, 0.3, 7.7])
def test_a_current_of_one_threshold_fires_every_step(threshold, timesteps):
    # x / theta is exactly 1, so no rounding can lose the last spike.
    assert spike_count(threshold, threshold, timesteps) == timesteps


def test_thresholds_apply_per_channel():
    current = np.ones((2, 3, 2))
    count = spike_count(current, np.array([1.0, 4.0]), 8)
    np.testing.assert_array_equal(count[..., 0], np.full((2, 3), 8.0))
    np.testing.assert_array_equal(count[..., 1], np.full((2, 3), 2.0))


def test_initial_potential_may_differ_per_neuron():
    current = np.zeros((5, 2, 2, 1))
    potential = np.arange(4.0).reshape(2, 2, 1)
    count = spike_count(current, 1.0, 8, potential)
    np.testing.assert_array_equal(
        count, np.broadcast_to(potential, (5, 2, 2, 1))
    )


@pytest.mark.parametrize("function", [spike_count, response])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_floating_dtype_is_kept(function, dtype):
    current = np.ones(2, dtype)
    out = function(current, np.float64([1.0, 2.0]), 4, np.float64(0.5))
    assert out.dtype == dtype


@pytest.mark.parametrize("current", [1, [1, 2], np.ones(2, "int32")])
def test_other_dtypes_become_float64(current):
    assert response(current, 1.0, 4).dtype == np.float64


def test_response_approaches_clipped_relu(rng):
    current = rng.uniform(-1, 3, 1000)
    for timesteps in (1, 8, 2048):
        error = response(current, 2.0, timesteps, 1.0) - current.clip(0, 2)
        # Rounding to the nearest of T + 1 levels, theta / T apart; 1e-12
        # covers the rounding of float64.
        assert np.abs(error).max() <= 2.0 / (2 * timesteps) + 1e-12


@pytest.mark.parametrize("function", [spike_count, response])
def test_threshold_of_zero_is_refused(function):
    with pytest.raises(ValueError, match="`threshold` holds 0.0"):
        function(1.0, 0.0, 8)


@pytest.mark.parametrize("function", [spike_count, response])
def test_timesteps_below_one_are_refused(function):
    with pytest.raises(ValueError, match="`timesteps` is 0"):
        function(1.0, 1.0, 0)


@pytest.mark.parametrize(
    "shape", [(2,), (4, 3)], ids=["other_channels", "more_axes"]
)
@pytest.mark.parametrize("name", ["threshold", "initial_potential"])
def test_shapes_that_do_not_fit_are_refused(name, shape):
    arguments = {"threshold": 1.0, name: np.ones(shape)}
    with pytest.raises(ValueError, match=f"`{name}` has shape .* Supported"):
        response(np.ones(3), timesteps=4, **arguments)
