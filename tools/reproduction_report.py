"""Renders a table with the paper's figures beside ours."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from tfsnn_tools.paper_tables import Table
from tfsnn_tools.reproduction_cells import Cell
from tfsnn_tools.reproduction_run import DONE, FAILED

Results = Sequence[tuple[Cell, Mapping[str, Any] | None]]
MEASURED_WITH = (
    "test_images",
    "data",
    "model_sha256",
    "tfsnn",
    "hybrid_epochs",
    "hybrid_images",
    "weight_iterations",
)


def to_dict(number: int, table: Table, results: Results) -> dict:
    """The table as plain types.

    Args:
        number: Of the table.
        table: The paper's.
        results: Every cell, and its row; None: not run yet.

    Returns:
        One entry a figure, seeds together.
    """
    figures = []
    for key, group in _figures(results).items():
        cell = group[0][0]
        values = _values(table, group)
        block, label, batch_norm, convert_ap, column = key
        figures.append(
            {
                "block": block,
                "method": label,
                "batch_norm": batch_norm,
                "convert_ap": convert_ap,
                "column": column,
                "timesteps": cell.timesteps,
                "images": cell.images,
                **{name: _shared(group, name) for name in MEASURED_WITH},
                "seeds": [cell.seed for cell, row in group if _done(row)],
                "paper": None if cell.paper is None else list(cell.paper),
                "paper_analog": cell.paper_analog,
                "ours": values,
                "mean": statistics.mean(values) if values else None,
                "deviation": (
                    statistics.stdev(values) if len(values) > 1 else None
                ),
                "analog": _analog(group),
                "model": _shared(group, "model_name"),
                "model_parameters": _shared(group, "model_parameters"),
                "failed": _reasons(group),
            }
        )
    return {
        "table": number,
        "caption": table.caption,
        "unit": table.unit,
        "figures": figures,
    }


def markdown(number: int, table: Table, results: Results) -> str:
    """The table as Markdown, a part for each network and data set.

    Args:
        number: Of the table.
        table: The paper's.
        results: See `to_dict`.

    Returns:
        Text; a cell is `paper / ours`, and reasons of failures follow.
    """
    figures = _figures(results)
    columns = _columns(results)
    lines = [
        f"Table {number}: {table.caption}. {table.unit}, the paper's / ours.",
    ]
    notes: dict[str, int] = {}
    for block in dict.fromkeys(cell.block for cell, _ in results):
        heads = " | ".join(columns)
        lines += [
            "",
            f"**{block}**",
            "",
            *_networks(results, block),
            f"| method | BN | convert AP | analog | {heads} |",
            f"|---|---|---|---|{'---|' * len(columns)}",
        ]
        for line in dict.fromkeys(k[1:4] for k in figures if k[0] == block):
            groups = [figures.get((block, *line, c), []) for c in columns]
            texts = [_text(table, group, notes) for group in groups]
            label, batch_norm, convert_ap = line
            lines.append(
                f"| {label} | {_yes(batch_norm)} | {_yes(convert_ap)}"
                f" | {_analog_text(groups)} | {' | '.join(texts)} |"
            )
    lines += [""] if notes else []
    lines += [f"[{number}] failed: {text}" for text, number in notes.items()]
    return "\n".join(lines)


def _columns(results) -> list[str]:
    """Names of the columns, T and numbers of images rising."""
    numbers = {c.column: (c.timesteps, c.images) for c, _ in results}
    return sorted(numbers, key=numbers.get)


def _networks(results, block: str) -> list[str]:
    """Which networks stood in for the block's, if cells have run."""
    texts = [
        f"{row['model_name']}, {row['model_parameters']:,} parameters"
        for cell, row in results
        if cell.block == block and row and "model_name" in row
    ]
    unique = list(dict.fromkeys(texts))
    return [f"Measured on: {'; '.join(unique)}.", ""] if unique else []


def _figures(results):
    """Cells that differ by the seed alone, by what they share."""
    groups = {}
    for cell, row in results:
        key = (cell.block, *cell.line, cell.column)
        groups.setdefault(key, []).append((cell, row))
    return groups


def _values(table, group) -> list[float]:
    rows = [row for _, row in group if _done(row)]
    if table.unit == "minutes":
        return [row["calibration_seconds"] / 60 for row in rows]
    return [100 * row["accuracy"] for row in rows]


def _done(row) -> bool:
    return bool(row) and row["status"] == DONE


def _shared(group, name):
    """Of the first cell that has run, as of all others of its figure."""
    return next((row[name] for _, row in group if row and name in row), None)


def _reasons(group) -> list[str]:
    rows = [row for _, row in group if row and row["status"] == FAILED]
    return list(dict.fromkeys(row["reason"] for row in rows))


def _analog(group) -> float | None:
    for _, row in group:
        if _done(row):
            return 100 * row["analog"]
    return None


def _text(table, group, notes) -> str:
    if not group:
        return "-"
    paper = _spread(group[0][0].paper)
    values = _values(table, group)
    marks = [
        f"[{notes.setdefault(reason, len(notes) + 1)}]"
        for reason in _reasons(group)
    ]
    ours = "-"
    if values:
        deviation = [statistics.stdev(values)] if len(values) > 1 else []
        ours = _spread([statistics.mean(values), *deviation])
    elif marks:
        ours = "failed"
    return f"{paper} / {' '.join([ours, *marks])}"


def _analog_text(groups) -> str:
    cells = [cell for group in groups for cell, _ in group]
    paper = cells[0].paper_analog if cells else None
    ours = [_analog(group) for group in groups]
    ours = [_number(value) for value in ours if value is not None]
    # Of other test images, where runs of several selections meet.
    return f"{_number(paper)} / {', '.join(dict.fromkeys(ours)) or '-'}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _spread(values: Sequence[float] | None) -> str:
    if values is None:
        return "-"
    return " ± ".join(_number(value) for value in values)


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def progress(number: int, total: int, cell: dict, row: dict) -> str:
    """A line about a cell that has ended.

    Args:
        number: Of the cell, from 1.
        total: Cells there are.
        cell: Its key.
        row: What it gave.

    Returns:
        What it is, and its accuracy or why it failed.
    """
    what = (
        f"{cell['block']}, {cell['label']}, {cell['column']}, seed"
        f" {cell['seed']}"
    )
    if row["status"] == DONE:
        result = f"{100 * row['accuracy']:.2f} %, {row['seconds']:.0f} s"
    else:
        result = f"failed: {row['reason']}"
    return f"[{number}/{total}] {what}: {result}"
