"""The lag of each neuron: one for all of them, or some by name."""

from collections.abc import Iterable, Mapping

Lag = int | Mapping[str, int]
"""Of every neuron with a temporal current; or neuron name to lag, 0 for those
not named. Steps."""


def lag_of(lag: Lag, name: str) -> int:
    """The lag of one neuron.

    Args:
        lag: Of all of them.
        name: Its name.

    Returns:
        Steps; not used where its current is constant.
    """
    return lag.get(name, 0) if isinstance(lag, Mapping) else lag


def lag_within(lag: Lag, timesteps: int) -> Lag:
    """The lags used at one T: none is above it.

    Args:
        lag: Of all neurons.
        timesteps: T.

    Returns:
        As `lag`.
    """
    if isinstance(lag, Mapping):
        return {name: min(one, timesteps) for name, one in lag.items()}
    return min(lag, timesteps)


def largest_lag(lag: Lag) -> int:
    """The largest lag of a neuron.

    Args:
        lag: Of all neurons.

    Returns:
        Steps.
    """
    if isinstance(lag, Mapping):
        return max(lag.values(), default=0)
    return lag


def check_lag_names(lag: Lag, names: Iterable[str]) -> None:
    """Raises unless lags are those of a network's neurons.

    Args:
        lag: Of all neurons.
        names: Their names.

    Raises:
        ValueError: If a name is not among them.
    """
    if not isinstance(lag, Mapping):
        return
    names = list(names)
    unknown = sorted(set(lag) - set(names), key=str)
    if unknown:
        raise ValueError(
            f"lag names no neuron of this network: {unknown}. Supported:"
            f" {names}. Use these names, or one number for all of them."
        )
