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
        One row a line; a last line that was cut off is left out.
    """
    if not path.exists():
        return []
    rows = []
    lines = path.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, start=1):
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError:
            if number < len(lines):
                raise
    return rows


def append(path: pathlib.Path, row: Row) -> None:
    """Adds a row; a last line that was cut off makes room for it."""
    text = json.dumps(row) + "\n"
    if path.exists():
        content = path.read_bytes()
        rest = content.rpartition(b"\n")[2]
        if rest and not _is_json(rest):
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


def _is_json(text: bytes) -> bool:
    try:
        json.loads(text)
    except (json.JSONDecodeError, UnicodeDecodeError):
        return False
    return True
