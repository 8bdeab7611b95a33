"""Renders the results of the accuracy benchmark as Markdown."""

from collections.abc import Iterable, Mapping
from typing import Any

SETUP = (
    "model",
    "model_sha256",
    "data",
    "tfsnn",
    "images",
    "test_images",
    "iterations",
    "lag",
    "seed",
)
"""What rows of one table share."""

Row = Mapping[str, Any]


def markdown(rows: Iterable[Row]) -> str:
    """One table for each set-up: T downwards, thresholds to the right.

    Args:
        rows: As `tfsnn benchmark accuracy` writes them; of two with the same
            key the later one counts.

    Returns:
        Text; a cell is the drop in percentage points and the accuracy.
    """
    groups = {}
    for row in rows:
        setup = tuple(row.get(name) for name in SETUP)
        groups.setdefault(setup, []).append(row)
    return "\n\n".join(_table(group) for group in groups.values())


def _table(rows: list[Row]) -> str:
    cells = {(row["timesteps"], _threshold(row)): row for row in rows}
    columns = list(dict.fromkeys(_threshold(row) for row in rows))
    lines = [
        _caption(rows[-1]),
        "",
        f"| T | {' | '.join(columns)} |",
        f"|---|{'---|' * len(columns)}",
    ]
    for timesteps in sorted({row["timesteps"] for row in rows}):
        texts = [_cell(cells.get((timesteps, name))) for name in columns]
        lines.append(f"| {timesteps} | {' | '.join(texts)} |")
    return "\n".join(lines)


def _threshold(row: Row) -> str:
    return f"{row['per']}, {row['rounding']}"


def _cell(row: Row | None) -> str:
    if row is None:
        return "-"
    return f"{row['drop']:.2f} ({100 * row['accuracy']:.2f} %)"


def _caption(row: Row) -> str:
    return (
        f"{row.get('model', 'unnamed model')}"
        f" ({row.get('model_sha256', 'unknown')}),"
        f" {row.get('data', 'unknown data')}: analog"
        f" {100 * row['analog']:.2f} % of {row['test_images']} test images;"
        f" {row['images']} calibration images, {row['iterations']} bias"
        f" sweeps, lag {row['lag']}, seed {row['seed']}, tfsnn"
        f" {row.get('tfsnn', 'unknown')}. Drop in points (accuracy):"
    )
