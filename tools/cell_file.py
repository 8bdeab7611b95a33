"""Rows of finished cells in a JSON-lines file; a later run goes on there."""

import json
import pathlib
from collections.abc import Iterable, Mapping
from typing import Any

Row = Mapping[str, Any]


def finished_cells(path: pathlib.Path) -> list[dict]:
    """Rows of earlier runs.

    Args:
        path: File, or where one will be.

    Returns:
        One row a line; a last line that was cut off is left out, and so are
        blank ones.

    Raises:
        ValueError: If other lines are no rows; names them all.
    """
    if not path.exists():
        return []
    lines = path.read_bytes().split(b"\n")
    rest = lines.pop()
    if _row(rest) is not None:
        lines.append(rest)
    rows = {n: _row(line) for n, line in enumerate(lines, 1) if line.strip()}
    damaged = [str(n) for n, row in rows.items() if row is None]
    if damaged:
        raise ValueError(
            f"Received {path}, in which {_lines(damaged)} no JSON object."
            " Supported: a file of finished cells, one JSON object a line."
            " Delete what is damaged, its cells are then measured again, or"
            " choose another --output; the file is left as it is."
        )
    return list(rows.values())


def append(path: pathlib.Path, row: Row) -> None:
    """Adds a row; a last line that was cut off makes room for it."""
    text = json.dumps(row) + "\n"
    if path.exists():
        content = path.read_bytes()
        rest = content.rpartition(b"\n")[2]
        if rest and _row(rest) is None:
            with path.open("r+b") as file:
                file.truncate(len(content) - len(rest))
        elif rest:
            text = "\n" + text
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


def find(key: Row, rows: Iterable[Row]) -> Row | None:
    """The last row that has everything the key says; None if there is none."""
    found = None
    for row in rows:
        if key.items() <= row.items():
            found = row
    return found


def _row(line: bytes) -> dict | None:
    try:
        row = json.loads(line)
    except ValueError:  # Neither JSON nor, perhaps, text.
        return None
    return row if isinstance(row, dict) else None


def _lines(numbers: list[str]) -> str:
    if len(numbers) == 1:
        return f"line {numbers[0]} is"
    return f"lines {', '.join(numbers)} are"
