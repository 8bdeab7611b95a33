"""Writes the rows of a benchmark with what is needed to repeat it."""

import json
import pathlib

from tfsnn_tools import command_line, quiet_start


def write(path: str, argv: list[str], rows: list[dict]) -> None:
    """Writes rows, machine, versions and command as JSON.

    Args:
        path: File to write.
        argv: The command line.
        rows: Plain types.
    """
    record = {
        "machine": quiet_start.machine(),
        "versions": quiet_start.versions(),
        "command": command_line.as_typed(argv),
        "rows": rows,
    }
    pathlib.Path(path).write_text(json.dumps(record, indent=2))
