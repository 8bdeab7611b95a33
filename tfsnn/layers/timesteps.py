"""Checks of the two clock parameters, for every layer that has them."""

import operator


def checked_timesteps(timesteps: int) -> int:
    """Returns T, or raises if it is not a whole number of at least one.

    Args:
        timesteps: T.

    Returns:
        T as an `int`.

    Raises:
        ValueError: If T is not a whole number of at least 1.
    """
    whole = _whole(timesteps)
    if whole is None or whole < 1:
        raise ValueError(
            f"timesteps={timesteps!r}. Supported: a whole number of at least 1."
            " Typical values are 8, 16 and 32."
        )
    return whole


def checked_lag(lag: int, timesteps: int) -> int:
    """Returns the lag, or raises if it is not within 0...T.

    Args:
        lag: Steps of charging before the first firing decision.
        timesteps: T, checked.

    Returns:
        The lag as an `int`.

    Raises:
        ValueError: If the lag is not a whole number in 0...T.
    """
    whole = _whole(lag)
    if whole is None or not 0 <= whole <= timesteps:
        raise ValueError(
            f"lag={lag!r} with timesteps={timesteps}. Supported: a whole number"
            f" in 0...{timesteps}; 0 is pipelined, {timesteps} two-phase."
        )
    return whole


def _whole(value) -> int | None:
    """The value as an `int`; None if it is not a whole number."""
    if isinstance(value, bool):
        return None
    try:
        return operator.index(value)
    except TypeError:
        return None
