"""Checks of the numbers a caller passes to a calibration."""

import math
import numbers
import operator


def checked_whole(
    name: str, value: int, *, low: int, high: float = math.inf, default: int
) -> int:
    """Returns a whole number, or raises if it is none or out of range.

    Args:
        name: Name of the argument.
        value: Its value; NumPy's integers are welcome.
        low: Smallest value supported.
        high: Largest value supported.
        default: Its default, for the message.

    Returns:
        The value as an `int`.

    Raises:
        ValueError: If it is not a whole number in `low`...`high`.
    """
    try:
        whole = None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        whole = None
    if whole is None or not low <= whole <= high:
        limit = "and more" if math.isinf(high) else f"to {high}"
        raise ValueError(
            f"{name}={value!r}. Supported: whole numbers, {low} {limit}; the"
            f" default is {default}. Pass one of them."
        )
    return whole


def is_number(value: object) -> bool:
    """Whether a value is a real number; truth values are none."""
    return isinstance(value, numbers.Real) and not isinstance(value, bool)
