"""Writes the rows of a benchmark with what is needed to repeat it."""

import json
import pathlib

from tfsnn_tools import command_line, quiet_start


def origin(argv: list[str]) -> dict[str, str]:
    """Where a figure comes from, for a row or a record.

    Args:
        argv: Program name and flags.

    Returns:
        `machine` and `command`.
    """
    return {
        "machine": quiet_start.machine(),
        "command": command_line.as_typed(argv),
    }


def write(path: str, argv: list[str], rows: list[dict]) -> None:
    """Writes rows, machine, versions and command as JSON.

    Args:
        path: File to write.
        argv: The command line.
        rows: Plain types.
    """
    record = {
        **origin(argv),
        "versions": quiet_start.versions(),
        "rows": rows,
    }
    pathlib.Path(path).write_text(json.dumps(record, indent=2))
