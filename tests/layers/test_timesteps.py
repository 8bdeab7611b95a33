"""Checks of T and of the lag."""

import re

import numpy as np
import pytest

from tests.support.kinds import KINDS, STEPWISE
from tfsnn.dynamics import BitPlane
from tfsnn.layers.timesteps import (
    check_kind_lag,
    check_kind_timesteps,
    checked_lag,
    checked_timesteps,
    default_lag,
)

NO_WHOLE_NUMBERS = [1.0, "8", None, True, np.True_, np.array([1, 2])]


@pytest.mark.parametrize("value", [1, 2048, 2**31 - 1, np.int64(8)])
def test_whole_numbers_become_plain_ones(value):
    assert type(checked_timesteps(value)) is int
    assert checked_timesteps(value) == value


@pytest.mark.parametrize("value", [0, -1, 2**31, *NO_WHOLE_NUMBERS], ids=repr)
def test_other_timesteps_are_refused(value):
    message = (
        f"timesteps={value!r}. Supported: a whole number of at least 1, up to"
        " 2147483647. Typical values are 8, 16 and 32."
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


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_default_lag(kind):
    lag = default_lag(kind, 8)
    assert lag == (8 if kind.name == "bit_plane" else 0)
    check_kind_lag(kind, lag, 8)


@pytest.mark.parametrize("kind", STEPWISE.values(), ids=STEPWISE)
def test_kinds_that_decide_at_every_step_have_any_clock(kind):
    check_kind_lag(kind, 3, 8)
    check_kind_timesteps(kind, 2048)


def test_bit_planes_have_one_lag():
    message = (
        "lag=7 with timesteps=8 and neurons of kind 'bit_plane'. Supported:"
        " lag=T, for they fire the bits of all their input. Use lag=8, or"
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        check_kind_lag(BitPlane(), 7, 8)


def test_bit_planes_have_as_many_steps_as_a_float_has_bits():
    check_kind_timesteps(BitPlane(), 24)
    message = (
        "timesteps=25 with neurons of kind 'bit_plane'. Supported: 1...24, one"
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        check_kind_timesteps(BitPlane(), 25)
