"""Scales between two layers."""

import numpy as np
import pytest

from tfsnn.numerics import equalisation_scale


def test_ranges_meet_in_their_geometric_mean(rng):
    first, second = rng.uniform(0.1, 5, (2, 7))
    scale = equalisation_scale(first, second)
    # Roundings of roots and quotients.
    np.testing.assert_allclose(
        first / scale, np.sqrt(first * second), rtol=1e-14
    )
    np.testing.assert_allclose(first / scale, second * scale, rtol=1e-14)


def test_network_computes_the_same(rng):
    front, bias, behind = (
        rng.normal(size=(4, 6)) * 10.0 ** rng.uniform(-1, 1, 6),
        rng.normal(size=6),
        rng.normal(size=(6, 3)),
    )
    scale = equalisation_scale(
        np.abs(front).max(axis=0), np.abs(behind).max(axis=1)
    )
    x = rng.normal(size=(20, 4))
    hidden = np.maximum(x @ (front / scale) + bias / scale, 0)
    # The same products, associated otherwise.
    np.testing.assert_allclose(
        hidden @ (behind * scale[:, np.newaxis]),
        np.maximum(x @ front + bias, 0) @ behind,
        rtol=1e-10,
        atol=1e-12,
    )


def test_zero_ranges_are_left_alone():
    np.testing.assert_array_equal(
        equalisation_scale([0.0, 4.0, 0.0, 4.0], [1.0, 0.0, 0.0, 1.0]),
        [1.0, 1.0, 1.0, 2.0],
    )


@pytest.mark.parametrize(
    ("limit", "expected"), [(100.0, [100.0, 0.01]), (4.0, [4.0, 0.25])], ids=str
)
def test_scale_is_limited_both_ways(limit, expected):
    scale = equalisation_scale([1e8, 1.0], [1.0, 1e8], limit=limit)
    np.testing.assert_array_equal(scale, expected)


@pytest.mark.parametrize("size", [1e-300, 1e300], ids=str)
def test_extreme_ranges_neither_overflow_nor_vanish(size):
    # Root of 4, in ranges whose product or quotient has no float64.
    np.testing.assert_allclose(
        equalisation_scale([4 * size], [size]), 2.0, rtol=1e-14
    )
    assert equalisation_scale([size], [1 / size]) in (100.0, 0.01)


def test_integers_are_taken_as_numbers():
    scale = equalisation_scale([9], [1])
    assert scale.dtype == np.float64
    assert scale == 3.0


@pytest.mark.parametrize(
    ("first", "second", "text"),
    [
        ([-1.0], [1.0], "`producer_range` holds -1.0"),
        ([1.0], [-2.0], "`consumer_range` holds -2.0"),
        ([np.nan], [1.0], "`producer_range` holds nan"),
        ([1.0], [np.inf], "`consumer_range` holds inf"),
        ([[1.0]], [1.0], r"`producer_range` has shape \(1, 1\)"),
        ([1.0], [1.0, 2.0], r"`consumer_range` has shape \(2,\)"),
    ],
    ids=["first", "second", "nan", "inf", "rank", "shape"],
)
def test_ranges_are_checked(first, second, text):
    with pytest.raises(ValueError, match=text):
        equalisation_scale(first, second)


@pytest.mark.parametrize(
    ("limit", "text"),
    [(0.5, "`limit` is 0.5. Supported"), (np.inf, "`limit` holds inf")],
    ids=str,
)
def test_limit_is_checked(limit, text):
    with pytest.raises(ValueError, match=text):
        equalisation_scale([1.0], [1.0], limit=limit)
