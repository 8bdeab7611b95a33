"""Writes a table into its folder, as Markdown and as JSON."""

import json
import pathlib
from collections.abc import Iterable, Mapping
from typing import Any

from tfsnn_tools import reproduction_report
from tfsnn_tools.paper_tables import Table
from tfsnn_tools.reproduction_earlier import earlier, notes


def write(
    folder: pathlib.Path,
    number: int,
    table: Table,
    results: reproduction_report.Results,
    rows: Iterable[Mapping[str, Any]],
) -> str:
    """Writes `table.md` and `table.json`, each by rename.

    Args:
        folder: Of the table.
        number: Of the table.
        table: The paper's.
        results: Cells of this run.
        rows: All in the file of finished cells; those that are finished and
            not of this run are in the table, too, see `earlier`.

    Returns:
        The Markdown.
    """
    before = earlier(number, rows, results)
    whole = [*results, *before]
    text = reproduction_report.markdown(number, table, whole)
    text = "\n".join([text, *([""] if before else []), *notes(before, results)])
    record = reproduction_report.to_dict(number, table, whole)
    _write(folder / "table.md", f"{text}\n")
    _write(folder / "table.json", json.dumps(record, indent=2))
    return text


def _write(path: pathlib.Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.partial")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
