"""Channels that are never active."""

import numpy as np
import pytest

from tfsnn.numerics.dead_channels import is_dead, replace_dead


@pytest.mark.parametrize(
    ("peaks", "expected"),
    [
        ([2.0, 0.0, 3.0], [2.0, 3.0, 3.0]),
        ([1e-31, 0.5], [0.5, 0.5]),
        ([1e-30, 0.5], [1e-30, 0.5]),
        ([0.0, 1e-40], [1.0, 1.0]),
    ],
    ids=["zero", "dust", "small", "layer"],
)
def test_dead_channels_get_the_largest(peaks, expected):
    np.testing.assert_array_equal(replace_dead(np.array(peaks)), expected)


def test_dust_is_dead():
    peaks = np.array([0.0, 1e-31, 1e-30, 1.0])
    np.testing.assert_array_equal(is_dead(peaks), [True, True, False, False])
