"""Finished cells of earlier runs in the same folder, with other selections."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from tfsnn_tools.reproduction_cells import Cell
from tfsnn_tools.reproduction_run import DONE

Row = Mapping[str, Any]
Pairs = list[tuple[Cell, Row]]
SETTINGS = (
    "images",
    "timesteps",
    "test_images",
    "data",
    "model_sha256",
    "tfsnn",
    "hybrid_epochs",
    "hybrid_images",
    "weight_iterations",
)
"""What cells of one figure have in common, seeds apart."""


def earlier(number: int, rows: Iterable[Row], asked: Iterable[Cell]) -> Pairs:
    """Figures of a table that are finished, and were not asked for this time.

    Args:
        number: Of the table.
        rows: Of the file of finished cells.
        asked: Cells of this run; what has their place in the table is left
            out.

    Returns:
        Cells and their rows; of a figure that was measured with several
        settings those of the last one.
    """
    taken = {_place(cell) for cell in asked}
    found: dict[tuple, dict[int, tuple[Cell, Row]]] = {}
    for row in rows:
        if row.get("table") != number or row.get("status") != DONE:
            continue
        cell = _cell(row)
        if cell is None or _place(cell) in taken:
            continue
        here = found.setdefault(_place(cell), {})
        if any(
            _settings(other) != _settings(row) for _, other in here.values()
        ):
            here.clear()
        here[cell.seed] = (cell, row)
    return [pair for here in found.values() for pair in here.values()]


def notes(before: Pairs, now: Iterable[tuple[Cell, Row | None]]) -> list[str]:
    """What figures were measured with, where runs stand side by side.

    Args:
        before: See `earlier`.
        now: Cells of this run, and their rows.

    Returns:
        A line for each network and setting of either; none if there are no
        earlier figures.
    """
    if not before:
        return []
    ran = [pair for pair in now if pair[1] and pair[1]["status"] == DONE]
    return [
        *(["From this run:", "", *_lines(ran), ""] if ran else []),
        "From earlier runs in this folder:",
        "",
        *_lines(before),
    ]


def _lines(pairs: Pairs) -> list[str]:
    columns: dict[tuple[str, str], dict[str, None]] = {}
    for cell, row in pairs:
        texts = columns.setdefault((cell.block, _text(row)), {})
        texts[cell.column] = None
    return [
        f"- {block}, {', '.join(names)}: {text}"
        for (block, text), names in columns.items()
    ]


def _text(row: Row) -> str:
    tested = row["test_images"]
    return (
        f"{'all' if tested is None else tested} test images of {row['data']},"
        f" {row['images']} to calibrate, network {row['model_sha256']}, tfsnn"
        f" {row['tfsnn']}"
    )


def _place(cell: Cell) -> tuple:
    return (cell.block, *cell.line, cell.column)


def _settings(row: Row) -> list:
    return [row.get(name) for name in SETTINGS]


def _cell(row: Row) -> Cell | None:
    """None if the row is not one of this release."""
    names = [field.name for field in dataclasses.fields(Cell)]
    if not {*names, *SETTINGS[:6]} <= row.keys():
        return None
    cell = Cell(**{name: row[name] for name in names})
    paper = None if cell.paper is None else tuple(cell.paper)
    return dataclasses.replace(cell, paper=paper)
