"""Errors by look-up and by value, against the oracle."""

import numpy as np
import pytest

from tests.reference import quantiser
from tfsnn.numerics.squared_error import squared_errors

LARGEST = np.array([0.3, 1.7, 5.0])


@pytest.mark.parametrize("charge", [0.0, 0.5], ids=["floor", "round"])
@pytest.mark.parametrize(
    ("num_values", "num_levels"),
    [(500, 1), (500, 7), (500, 100), (20, 1000), (1, 1), (1, 2**16)],
    ids=["one", "looked", "valued", "more", "single", "single-more"],
)
def test_error_is_that_of_the_oracle(rng, num_values, num_levels, charge):
    values = np.sort(rng.exponential(size=num_values))
    errors = squared_errors(values, LARGEST, num_levels, charge)
    expected = [
        quantiser.mean_squared_error(values, largest, num_levels, charge)
        for largest in LARGEST
    ]
    # Sums that cancel: num_levels^2 roundings of the sum of squares.
    np.testing.assert_allclose(errors, expected, rtol=1e-8)


@pytest.mark.parametrize("num_levels", [3, 400], ids=["looked", "valued"])
def test_value_at_the_top_level_has_no_error(num_levels):
    # Many numbers for which x / (x / n) falls below n.
    for value in np.linspace(0.1, 3, 60):
        values = np.full(100, value)
        error = squared_errors(values, np.array([value]), num_levels, 0.0)
        # A few roundings of the sum of squares.
        assert error[0] <= 1e-14 * value**2


def test_error_of_many_levels_does_not_drown_in_rounding(rng):
    values = np.sort(rng.uniform(size=2**16))
    error = squared_errors(values, np.ones(1), 2**16, 0.5)
    # Uniform: step^2 / 12, a standard error of sqrt(4 / 5 / N) = 0.35 %.
    np.testing.assert_allclose(error, 2.0**-32 / 12, rtol=0.02)


def test_tiny_levels_do_not_overflow():
    values = np.array([1e38], np.float32)
    error = squared_errors(values, np.array([1e-300]), 8, 0.5)
    # All of the value is lost; it was rounded to float32.
    np.testing.assert_allclose(error, 1e76, rtol=1e-6)
