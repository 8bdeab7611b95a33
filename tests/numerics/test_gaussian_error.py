"""Errors under a Gaussian against integrals by brute force."""

import math
import statistics

import numpy as np
import pytest

from tests.reference import gaussian
from tfsnn.numerics.gaussian_error import (
    coarse_error,
    density,
    fine_error,
    upper_tail,
)

CHARGES = pytest.mark.parametrize("charge", [0.0, 0.5], ids=["floor", "round"])


@pytest.mark.parametrize("x", [-40.0, -1.5, 0.0, 2.0, 6.0])
def test_tail_and_density_are_those_of_the_standard_library(x):
    normal = statistics.NormalDist()
    # The library subtracts the tail from 1.
    assert math.isclose(upper_tail(x), normal.cdf(-x), abs_tol=1e-15)
    # Constants rounded in another order.
    assert math.isclose(density(x), normal.pdf(x), rel_tol=1e-12)


@CHARGES
@pytest.mark.parametrize("mean", [-3.0, 0.0, 1.0, 30.0], ids="mean{}".format)
@pytest.mark.parametrize("levels", [1, 4, 50], ids="n{}".format)
@pytest.mark.parametrize("fraction", [0.4, 1.0], ids=["low", "high"])
def test_coarse_error_is_the_integral(mean, levels, fraction, charge):
    largest = fraction * (mean + 4)
    expected = gaussian.mean_squared_error(mean, 1.0, largest, levels, charge)
    error = coarse_error(np.array([largest]), np.array([mean]), levels, charge)
    # Jumps of the squared error fall between points of the integral.
    np.testing.assert_allclose(error.value, expected, rtol=1e-3)


@CHARGES
@pytest.mark.parametrize("mean", [-5.0, 0.0, 3.0], ids="mean{}".format)
def test_fine_error_is_the_coarse_one_for_small_steps(mean, charge):
    mean, levels = np.array([mean]), 512
    largest = np.maximum(mean, 0) + np.linspace(0.5, 6, 12)[:, np.newaxis]
    for p in largest:
        fine = fine_error(p, mean, levels, charge)
        coarse = coarse_error(p, mean, levels, charge)
        # Left out: 7/240 (5 step)^2 for a mean of -5, which is 1e-4.
        np.testing.assert_allclose(fine.value, coarse.value, rtol=2e-4)


@CHARGES
@pytest.mark.parametrize("function", [coarse_error, fine_error])
@pytest.mark.parametrize("mean", [-2.0, 0.5, 20.0], ids="mean{}".format)
def test_slope_is_the_difference_quotient(function, mean, charge):
    mean, levels, h = np.array([mean]), 40, 1e-4
    largest = np.maximum(mean, 0) + np.array([1.5])
    low, high = (
        function(largest + sign * h, mean, levels, charge).value
        for sign in (-1, 1)
    )
    slope = function(largest, mean, levels, charge).slope
    # Central difference: h^2 times a third derivative, 1e-8; the value of
    # a mean of 20 is cancelled from 100: 1e-14 / h.
    np.testing.assert_allclose(slope, (high - low) / (2 * h), atol=1e-7)


def test_breakpoints_far_below_the_mean_are_only_counted():
    # A step of half a deviation, 10^8 deviations above zero: without
    # counting, rounding would leave an error of about one.
    far, levels = 1e8, 2 * 10**8
    near = coarse_error(np.array([30.0]), np.array([29.0]), 60, 0.5)
    distant = coarse_error(
        np.array([far + 1]), np.array([far]), levels + 2, 0.5
    )
    # The mean is rounded to 1e-8.
    np.testing.assert_allclose(distant.value, near.value, atol=1e-7)
