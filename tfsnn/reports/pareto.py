"""Which of several measurements nothing else beats."""

from collections.abc import Mapping, Sequence
from typing import Any


def on_front(
    rows: Sequence[Mapping[str, Any]], cost: str, gain: str = "accuracy"
) -> list[bool]:
    """Which rows are on the Pareto front of two entries.

    Args:
        rows: Measurements.
        cost: Entry of which less is better.
        gain: Entry of which more is better.

    Returns:
        For each row whether no other is at least as good in both entries and
        better in one; False where an entry is missing.
    """
    known = [
        (row[cost], row[gain])
        for row in rows
        if row.get(cost) is not None and row.get(gain) is not None
    ]

    def is_beaten(pair):
        return any(
            other != pair and other[0] <= pair[0] and other[1] >= pair[1]
            for other in known
        )

    return [
        row.get(cost) is not None
        and row.get(gain) is not None
        and not is_beaten((row[cost], row[gain]))
        for row in rows
    ]
