"""Checks of T and of the lag."""

import re

import numpy as np
import pytest

from tfsnn.layers.timesteps import checked_lag, checked_timesteps

NO_WHOLE_NUMBERS = [1.0, "8", None, True, np.True_, np.array([1, 2])]


@pytest.mark.parametrize("value", [1, 2048, np.int64(8)])
def test_whole_numbers_become_plain_ones(value):
    assert type(checked_timesteps(value)) is int
    assert checked_timesteps(value) == value


@pytest.mark.parametrize("value", [0, -1, *NO_WHOLE_NUMBERS], ids=repr)
def test_other_timesteps_are_refused(value):
    message = (
        f"timesteps={value!r}. Supported: a whole number of at least 1."
        " Typical values are 8, 16 and 32."
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        checked_timesteps(value)


@pytest.mark.parametrize("value", [0, 1, 8, np.int32(3)])
def test_lags_within_the_run_are_kept(value):
    assert type(checked_lag(value, 8)) is int
    assert checked_lag(value, 8) == value


@pytest.mark.parametrize("value", [-1, 9, *NO_WHOLE_NUMBERS], ids=repr)
def test_other_lags_are_refused(value):
    message = (
        f"lag={value!r} with timesteps=8. Supported: a whole number in 0...8;"
        " 0 is pipelined, 8 two-phase."
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        checked_lag(value, 8)
