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
)
OF_TRAINING = ("hybrid_epochs", "hybrid_images", "weight_iterations")
"""With the settings above, which every row has, what cells of one figure have
in common, seeds apart."""


def earlier(
    number: int, rows: Iterable[Row], now: Iterable[tuple[Cell, Row | None]]
) -> Pairs:
    """Cells of a table that are finished, and were not asked for this time.

    Args:
        number: Of the table.
        rows: Of the file of finished cells.
        now: Cells of this run, and their rows. Of what has their place in the
            table, other seeds with the same settings are taken, no others.

    Returns:
        Cells and their rows; of a figure that was measured with several
        settings those of the last one.
    """
    asked: dict[tuple, dict[int, Row | None]] = {}
    for cell, row in now:
        asked.setdefault(_place(cell), {})[cell.seed] = row
    found: dict[tuple, dict[int, tuple[Cell, Row]]] = {}
    for row in rows:
        if row.get("table") != number or row.get("status") != DONE:
            continue
        cell = _cell(row)
        if cell is None or not _joins(cell, row, asked.get(_place(cell), {})):
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
        A line for each network, setting and columns of either; none if there
        are no earlier figures.
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


def _joins(cell: Cell, row: Row, asked: Mapping[int, Row | None]) -> bool:
    """Whether a row can stand beside what was asked for in its place."""
    return cell.seed not in asked and all(
        other is not None and _settings(other) == _settings(row)
        for other in asked.values()
    )


def _lines(pairs: Pairs) -> list[str]:
    columns: dict[tuple[str, str, str], dict[str, None]] = {}
    for cell, row in pairs:
        key = (cell.block, _name(cell), _text(cell, row))
        columns.setdefault(key, {})[cell.column] = None
    names: dict[tuple[str, tuple[str, ...], str], list[str]] = {}
    for (block, name, text), found in columns.items():
        names.setdefault((block, tuple(found), text), []).append(name)
    return [
        f"- {block}, {', '.join(found)}: {text} ({', '.join(lines)})"
        for (block, found, text), lines in names.items()
    ]


def _name(cell: Cell) -> str:
    return cell.label if cell.batch_norm else f"{cell.label} without BN"


def _text(cell: Cell, row: Row) -> str:
    tested = row["test_images"]
    parts = [
        f"{'all' if tested is None else tested} test images of {row['data']}",
        f"{row['images']} to calibrate",
        f"network {row['model_sha256']}",
        f"tfsnn {row['tfsnn']}",
    ]
    if not cell.column.startswith("T"):  # The columns are numbers of images.
        parts.insert(0, f"T={row['timesteps']}")
    parts += [
        f"{name}={row[name]}"
        for name in OF_TRAINING
        if row.get(name) is not None
    ]
    return ", ".join(parts)


def _place(cell: Cell) -> tuple:
    return (cell.block, *cell.line, cell.column)


def _settings(row: Row) -> list:
    return [row.get(name) for name in (*SETTINGS, *OF_TRAINING)]


def _cell(row: Row) -> Cell | None:
    """None if the row is not one of this release."""
    names = [field.name for field in dataclasses.fields(Cell)]
    if not {*names, *SETTINGS} <= row.keys():
        return None
    cell = Cell(**{name: row[name] for name in names})
    paper = None if cell.paper is None else tuple(cell.paper)
    return dataclasses.replace(cell, paper=paper)
