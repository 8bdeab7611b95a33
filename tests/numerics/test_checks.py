"""Shared checks of arguments."""

import numpy as np
import pytest

from tfsnn.numerics import checks


@pytest.mark.parametrize("value", [1, 2048, np.int64(3)])
def test_count_accepts_integers_from_one(value):
    checks.check_count("timesteps", value)


@pytest.mark.parametrize("value", [0, -1, 2.0, "8", True, None])
def test_count_refuses_anything_else(value):
    with pytest.raises(ValueError, match="`timesteps` is .* at least 1"):
        checks.check_count("timesteps", value)


def test_choice_accepts_a_supported_value():
    checks.check_choice("rounding", "floor", ("floor", "round"))


def test_choice_lists_the_supported_values():
    with pytest.raises(
        ValueError, match="`rounding` is 'up'. Supported: 'floor', 'round'"
    ):
        checks.check_choice("rounding", "up", ("floor", "round"))


@pytest.mark.parametrize("value", [1, 0.5, [1e-6, 3.0]])
def test_threshold_accepts_positive_values(value):
    checks.check_threshold("threshold", value)


@pytest.mark.parametrize("bad", [0.0, -1.0, np.nan, np.inf])
def test_threshold_refuses_and_counts_bad_values(bad):
    with pytest.raises(
        ValueError, match=rf"`threshold` holds {bad} \(1 of 2 values\)"
    ):
        checks.check_threshold("threshold", [1.0, bad])


def test_shape_accepts_any_supported_shape():
    checks.check_shape("scale", (), (), (3,))
    checks.check_shape("scale", (3,), (), (3,))


def test_shape_lists_the_supported_shapes_once():
    with pytest.raises(
        ValueError,
        match=r"`scale` has shape \(2,\). Supported: \(\) or \(3,\)\. ",
    ):
        checks.check_shape("scale", (2,), (), (3,), (3,))


@pytest.mark.parametrize("value", [0.0, -3, [1.0, 1e300]])
def test_finite_accepts_finite_numbers(value):
    checks.check_finite("mean", value)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_finite_refuses_and_counts_the_others(bad):
    with pytest.raises(
        ValueError, match=rf"`mean` holds {bad} \(1 of 2 .* finite numbers"
    ):
        checks.check_finite("mean", [1.0, bad])


@pytest.mark.parametrize("value", [0.0, 3, [0.0, 1e300]])
def test_not_negative_accepts_numbers_from_zero(value):
    checks.check_not_negative("deviation", value)


@pytest.mark.parametrize("bad", [-1e-9, np.nan, np.inf])
def test_not_negative_refuses_and_counts_the_others(bad):
    with pytest.raises(
        ValueError, match=rf"`deviation` holds {bad} \(1 of 2 values\)"
    ):
        checks.check_not_negative("deviation", [1.0, bad])
