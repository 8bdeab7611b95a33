"""Says how far a long job is: a bar on a terminal, plain lines elsewhere."""

import sys
import time
from typing import Any

import tqdm

SECONDS_A_LINE = 5.0


def progress_bar(
    total: int | None, *, description: str, unit: str, shown: bool | None
) -> Any:
    """A context manager with `update(count=1)` that writes to stderr.

    Args:
        total: Units there are; None: unknown.
        description: What is done, such as `"calibrating"`.
        unit: One of the units, such as `"image"`.
        shown: None: a bar, but on a terminal only. True: also plain lines
            elsewhere, one every few seconds. False: nothing.

    Returns:
        The bar, or what writes lines.
    """
    if shown and not sys.stderr.isatty():
        return _Lines(total, description, unit)
    return tqdm.tqdm(
        total=total,
        desc=description,
        unit=unit,
        disable=None if shown is None else not shown,
    )


class _Lines:
    """Plain lines for logs; a short job writes none."""

    def __init__(self, total: int | None, description: str, unit: str):
        self._goal = "" if total is None else f" of {total}"
        self._description = description
        self._unit = unit
        self._done = 0
        self._start = self._written = time.monotonic()

    def __enter__(self) -> "_Lines":
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def update(self, count: int = 1) -> None:
        """Counts; writes a line if the last one is long ago."""
        self._done += count
        now = time.monotonic()
        if now - self._written < SECONDS_A_LINE:
            return
        self._written = now
        sys.stderr.write(
            f"{self._description}: {self._done}{self._goal} {self._unit}s,"
            f" {now - self._start:.0f} s\n"
        )
        sys.stderr.flush()
