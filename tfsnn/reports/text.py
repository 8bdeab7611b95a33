"""Renders a report as text for the terminal."""

import io
from typing import Any

from rich import box, console, table

from .columns import OVERVIEW, cells, used

WIDTH = 100
SHORT = (
    "run",
    "timesteps",
    "pipeline",
    "latency_steps",
    "accuracy",
    "drop",
    "agreement",
    "mean_firing_rate",
    "energy_ratio",
)
"""Columns of the overview that fit on a terminal."""


def report_text(report: dict[str, Any], *, width: int = WIDTH) -> str:
    """The overview and what is said of each run.

    Args:
        report: What `build_report` returned.
        width: Characters of a line.

    Returns:
        Plain text, no control codes.
    """
    chosen = [c for c in OVERVIEW if c.key in SHORT]
    shown = used(chosen, report["overview"])
    grid = table.Table(box=box.SIMPLE_HEAD, highlight=False)
    for column in shown:
        left = column.key in ("run", "pipeline")
        grid.add_column(column.title, justify="left" if left else "right")
    for row in report["overview"]:
        texts = [cell.text for cell in cells(shown, row)]
        grid.add_row(*texts)
    buffer = io.StringIO()
    screen = console.Console(
        file=buffer, width=width, markup=False, highlight=False
    )
    screen.print(grid)
    for run in report["runs"]:
        for point in run["points"]:
            if point["explanation"]:
                screen.print(f"{run['name']}: {point['explanation']}")
    return buffer.getvalue()
