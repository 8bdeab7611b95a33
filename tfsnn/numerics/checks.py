"""Checks of arguments that several numeric functions share."""

import numpy as np
import numpy.typing as npt


def check_count(name: str, value: int) -> None:
    """Raises unless `value` is a whole number of at least one.

    Args:
        name: Name of the argument, for the message.
        value: What the caller passed.

    Raises:
        ValueError: If it is not an integer, or below 1.
    """
    if (
        isinstance(value, bool)
        or not isinstance(value, int | np.integer)
        or value < 1
    ):
        raise ValueError(
            f"`{name}` is {value!r}. It must be an integer of at least 1. "
            "Pass, for example, 16."
        )


def check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    """Raises unless `value` is one of `choices`.

    Args:
        name: Name of the argument, for the message.
        value: What the caller passed.
        choices: The values that are supported.

    Raises:
        ValueError: If it is none of them.
    """
    if value not in choices:
        supported = ", ".join(repr(choice) for choice in choices)
        raise ValueError(
            f"`{name}` is {value!r}. Supported: {supported}. Pass one of them."
        )


def check_threshold(name: str, value: npt.ArrayLike) -> None:
    """Raises unless every threshold is finite and above zero.

    Args:
        name: Name of the argument, for the message.
        value: Thresholds of any shape, activation units.

    Raises:
        ValueError: If one is zero, negative, NaN or infinite.
    """
    value = np.asarray(value)
    bad = ~((value > 0) & (value < np.inf))
    if bad.any():
        raise ValueError(
            f"`{name}` holds {value[bad].flat[0]} ({int(bad.sum())} of "
            f"{value.size} values). Thresholds must be finite and above 0. "
            "Give a layer that never fires any positive value, such as 1."
        )


def check_shape(name: str, shape: tuple, *supported: tuple) -> None:
    """Raises unless `shape` is one of those supported.

    Args:
        name: Name of the argument, for the message.
        shape: Shape of what the caller passed.
        *supported: The shapes that fit.

    Raises:
        ValueError: If it is none of them.
    """
    if shape not in supported:
        raise ValueError(
            f"`{name}` has shape {shape}. Supported: "
            f"{' or '.join(dict.fromkeys(map(str, supported)))}. "
            "Pass one value per channel."
        )


def check_finite(name: str, value: npt.ArrayLike) -> None:
    """Raises unless every number is finite.

    Args:
        name: Name of the argument, for the message.
        value: Numbers of any shape.

    Raises:
        ValueError: If one is NaN or infinite.
    """
    value = np.asarray(value)
    bad = ~np.isfinite(value)
    if bad.any():
        raise ValueError(
            f"`{name}` holds {value[bad].flat[0]} ({int(bad.sum())} of "
            f"{value.size} values). Supported: finite numbers. Look for NaN "
            "in the weights and images."
        )


def check_not_negative(name: str, value: npt.ArrayLike) -> None:
    """Raises unless every number is finite and at least zero.

    Args:
        name: Name of the argument, for the message.
        value: Numbers of any shape.

    Raises:
        ValueError: If one is negative, NaN or infinite.
    """
    check_finite(name, value)
    value = np.asarray(value)
    bad = value < 0
    if bad.any():
        raise ValueError(
            f"`{name}` holds {value[bad].flat[0]} ({int(bad.sum())} of "
            f"{value.size} values). Supported: numbers of at least 0. Pass "
            "absolute values."
        )
