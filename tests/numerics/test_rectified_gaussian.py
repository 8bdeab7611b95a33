"""Moments of a rectified Gaussian, there and back."""

import math

import numpy as np
import pytest

from tfsnn.numerics import rectified_gaussian


def moments(mean, deviation):
    """E[a] and E[a^2] by 2**18 midpoints over 12 deviations."""
    edges = np.linspace(-12, 12, 2**18 + 1)
    middle = (edges[1:] + edges[:-1]) / 2
    weight = np.exp(-0.5 * middle**2)
    weight /= weight.sum()
    a = np.maximum(mean + deviation * middle, 0)
    return float(a @ weight), float(np.square(a) @ weight)


@pytest.mark.parametrize(
    ("mean", "deviation"),
    [(0, 1), (2, 0.5), (-1.5, 1), (-4, 1), (1, 30), (8, 1), (100, 1)],
    ids=str,
)
@pytest.mark.parametrize("unit", [1.0, 1e-20, 1e20])
def test_finds_the_gaussian_its_moments_come_from(mean, deviation, unit):
    first, second = moments(mean, deviation)
    got = rectified_gaussian(first * unit, second * unit**2)
    # The error of the midpoints.
    np.testing.assert_allclose(
        got, (mean * unit, deviation * unit), rtol=1e-5, atol=1e-5 * unit
    )


def test_fits_samples(rng):
    mean, deviation = np.array([-1.0, 0.0, 3.0]), np.array([1.0, 2.0, 1.0])
    a = np.maximum(rng.normal(mean, deviation, (200_000, 3)), 0)
    got = rectified_gaussian(a.mean(0), np.square(a).mean(0))
    # Five standard errors of the mean.
    error = 5 / math.sqrt(200_000) * 6
    np.testing.assert_allclose(got, (mean, deviation), atol=error)


def test_both_moments_are_met(rng):
    """Whatever the distribution is."""
    a = rng.exponential(size=(1000, 4)) * [1, 2, 3, 4]
    first, second = a.mean(0), np.square(a).mean(0)
    for c, (mean, deviation) in enumerate(
        zip(*rectified_gaussian(first, second), strict=True)
    ):
        # The error of the midpoints.
        np.testing.assert_allclose(
            moments(mean, deviation), (first[c], second[c]), rtol=1e-5
        )


def test_a_constant_has_no_deviation():
    mean, deviation = rectified_gaussian([0.75, 3.0], [0.75**2, 9.0])
    np.testing.assert_array_equal(mean, [0.75, 3.0])
    np.testing.assert_array_equal(deviation, 0)


def test_a_silent_channel_has_none():
    mean, deviation = rectified_gaussian([0.0, 1.0], [0.0, 2.0])
    assert mean[0] == deviation[0] == 0
    assert deviation[1] > 0


def test_one_value_in_a_trillion_stays_finite():
    mean, deviation = rectified_gaussian(1e-12, 1e-12)
    assert mean < 0 < deviation
    assert np.isfinite(mean)


def test_mean_square_below_the_square_of_the_mean_is_rounding():
    mean, deviation = rectified_gaussian(1.0, 1 - 1e-16)
    assert (mean, deviation) == (1.0, 0.0)


@pytest.mark.parametrize("shape", [(), (1,), (5,)], ids=str)
def test_shape_and_dtype(shape):
    got = rectified_gaussian(np.ones(shape, "float32"), np.full(shape, 2.0))
    for values in got:
        assert values.shape == shape
        assert values.dtype == np.float64


@pytest.mark.parametrize(
    ("first", "second", "text"),
    [
        ([-1.0], [1.0], "`first` holds -1.0"),
        ([1.0], [np.inf], "`second` holds inf"),
        ([1.0], [1.0, 2.0], r"`second` has shape \(2,\)"),
    ],
    ids=["negative", "infinite", "shape"],
)
def test_arguments_are_checked(first, second, text):
    with pytest.raises(ValueError, match=text):
        rectified_gaussian(first, second)
