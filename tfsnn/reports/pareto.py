"""Which of several measurements nothing else beats."""

from collections.abc import Mapping, Sequence
from typing import Any

SAME = ("data", "num_images")
"""Entries in which rows have to agree to be compared."""


def on_front(
    rows: Sequence[Mapping[str, Any]], *costs: str, gain: str = "accuracy"
) -> list[bool]:
    """Which rows are on the Pareto front of some entries.

    Rows of other data are not compared.

    Args:
        rows: Measurements.
        *costs: Entries of which less is better.
        gain: Entry of which more is better.

    Returns:
        For each row whether no other is at least as good in all entries and
        better in one; False where an entry is missing.
    """
    places = [_place(row, costs, gain) for row in rows]

    def is_beaten(row, place):
        return any(
            other is not None
            and other != place
            and group_of(another) == group_of(row)
            and all(b <= a for a, b in zip(place, other, strict=True))
            for another, other in zip(rows, places, strict=True)
        )

    return [
        place is not None and not is_beaten(row, place)
        for row, place in zip(rows, places, strict=True)
    ]


def group_of(row: Mapping[str, Any]) -> tuple:
    """What a row was measured on."""
    return tuple(row.get(name) for name in SAME)


def _place(row, costs, gain):
    """Numbers of which less is better; None where one is missing."""
    values = [row.get(name) for name in (*costs, gain)]
    if None in values:
        return None
    return (*values[:-1], -values[-1])
