"""Checks of the two clock parameters, for every layer that has them."""

import operator

from tfsnn.dynamics.bit_plane_neuron import MOST_BITS
from tfsnn.dynamics.neuron_kind import NeuronKind

MAX_TIMESTEPS = 2**31 - 1
"""Steps are counted in int32."""


def checked_timesteps(timesteps: int) -> int:
    """Returns T, or raises if it is no whole number, below 1 or too large.

    Args:
        timesteps: T.

    Returns:
        T as an `int`.

    Raises:
        ValueError: If T is not a whole number in 1...2^31 - 1.
    """
    whole = _whole(timesteps)
    if whole is None or not 1 <= whole <= MAX_TIMESTEPS:
        raise ValueError(
            f"timesteps={timesteps!r}. Supported: a whole number of at least 1,"
            f" up to {MAX_TIMESTEPS}. Typical values are 8, 16 and 32."
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


def default_lag(kind: NeuronKind, timesteps: int) -> int:
    """The lag of a kind of neuron where none is stated.

    Args:
        kind: The kind.
        timesteps: T.

    Returns:
        T for a kind that must know all its input, else 0.
    """
    return timesteps if kind.needs_two_phase else 0


def check_kind_timesteps(kind: NeuronKind, timesteps: int) -> None:
    """Raises if a kind of neuron cannot have so many steps.

    Args:
        kind: The kind.
        timesteps: T, checked.

    Raises:
        ValueError: If it fires bits and T is above 24.
    """
    if kind.needs_two_phase and timesteps > MOST_BITS:
        raise ValueError(
            f"timesteps={timesteps} with neurons of kind '{kind.name}'."
            f" Supported: 1...{MOST_BITS}, one bit a step. 8 steps have 256"
            " levels already."
        )


def check_kind_lag(kind: NeuronKind, lag: int, timesteps: int) -> None:
    """Raises if a kind of neuron cannot have a lag.

    Args:
        kind: The kind.
        lag: Lag of a neuron with a temporal current, checked.
        timesteps: T, checked.

    Raises:
        ValueError: If it must know all its input and the lag is not T.
    """
    if kind.needs_two_phase and lag != timesteps:
        raise ValueError(
            f"lag={lag} with timesteps={timesteps} and neurons of kind"
            f" '{kind.name}'. Supported: lag=T, for they fire the bits of all"
            f" their input. Use lag={timesteps}, or another kind."
        )


def _whole(value) -> int | None:
    """The value as an `int`; None if it is not a whole number."""
    if isinstance(value, bool):
        return None
    try:
        return operator.index(value)
    except TypeError:
        return None
