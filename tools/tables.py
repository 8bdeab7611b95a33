"""Prints tables."""

import sys
from collections.abc import Sequence

from rich import box, console, table

WIDTH = 100


def print_table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]
) -> None:
    """Prints a table to stdout: first column left, all others right.

    Args:
        title: A line above.
        columns: Headers.
        rows: Cells, one a column.
    """
    grid = table.Table(
        title=title, title_justify="left", box=box.SIMPLE_HEAD, highlight=False
    )
    for position, name in enumerate(columns):
        grid.add_column(
            name, justify="right" if position else "left", no_wrap=True
        )
    for row in rows:
        grid.add_row(*row)
    terminal = sys.stdout.isatty()
    console.Console(
        file=sys.stdout, width=None if terminal else WIDTH, markup=False
    ).print(grid)


def percent(share: float | None) -> str:
    """`93.40 %` for 0.934; a dash for None."""
    return "-" if share is None else f"{100 * share:.2f} %"
