"""Says how far a long job is: a bar on a terminal, plain lines elsewhere."""

import contextlib
import contextvars
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import tqdm

SECONDS_A_LINE = 5.0

Listener = Callable[[str], None]
_listeners: contextvars.ContextVar[tuple[Listener, ...]] = (
    contextvars.ContextVar("listeners", default=())
)

_shown: contextvars.ContextVar[bool | None] = contextvars.ContextVar(
    "shown", default=None
)


@contextlib.contextmanager
def shown_as(shown: bool | None) -> Iterator[None]:
    """Decides for bars that are made with `shown=None`.

    Args:
        shown: See `progress_bar`.

    Yields:
        Nothing.
    """
    token = _shown.set(shown)
    try:
        yield
    finally:
        _shown.reset(token)


@contextlib.contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Passes every line on, whether it is shown or not, such as to a log.

    Args:
        listener: A function of one line.

    Yields:
        Nothing.
    """
    token = _listeners.set((*_listeners.get(), listener))
    try:
        yield
    finally:
        _listeners.reset(token)


def tell(text: str) -> None:
    """Tells those that listen.

    Args:
        text: One line.
    """
    for listener in _listeners.get():
        listener(text)


def progress_bar(
    total: int | None, *, description: str, unit: str, shown: bool | None
) -> "Progress":
    """A context manager with `update(count=1, note="")` that says how far.

    Args:
        total: Units there are; None: unknown.
        description: What is done, such as `"calibrating"`.
        unit: One of the units, such as `"image"`.
        shown: None: as `shown_as` says, else a bar, but on a terminal only.
            True: also plain lines elsewhere, one every few seconds. False:
            nothing.

    Returns:
        What is entered and updated; it writes to stderr.
    """
    shown = _shown.get() if shown is None else shown
    terminal = sys.stderr.isatty()
    bar = None
    if terminal and shown is not False:
        bar = tqdm.tqdm(total=total, desc=description, unit=unit)
    lines = bool(shown) and not terminal
    return Progress(total, description, unit, bar=bar, lines=lines)


class Progress:
    """Draws a bar, writes lines, and tells those that listen.

    A line every few seconds; a short job has none. With a total it says how
    long the rest will take at the pace so far.
    """

    def __init__(
        self,
        total: int | None,
        description: str,
        unit: str,
        *,
        bar: Any = None,
        lines: bool = False,
    ):
        """Starts the clock.

        Args:
            total: Units there are; None: unknown.
            description: What is done.
            unit: One of the units.
            bar: A bar of tqdm, or None.
            lines: Whether to write lines to stderr.
        """
        self._total = total
        self._description = description
        self._unit = unit
        self._bar = bar
        self._lines = lines
        self._done = self._told = 0
        self._start = self._written = time.monotonic()

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.close()
        if self._done != self._told:
            tell(self._line(time.monotonic()))

    def update(self, count: int = 1, note: str = "") -> None:
        """Counts; writes a line if the last one is long ago.

        Args:
            count: Units done since the last call.
            note: What else there is to say, such as the present error.
        """
        self._done += count
        if self._bar is not None:
            self._bar.set_postfix_str(note, refresh=False)
            self._bar.update(count)
        now = time.monotonic()
        if now - self._written < SECONDS_A_LINE:
            return
        self._written, self._told = now, self._done
        line = self._line(now, note)
        tell(line)
        if self._lines:
            sys.stderr.write(f"{line}\n")
            sys.stderr.flush()

    def _line(self, now, note=""):
        goal = "" if self._total is None else f" of {self._total}"
        line = (
            f"{self._description}: {self._done}{goal} {self._unit}s,"
            f" {now - self._start:.0f} s"
        )
        if self._total and 0 < self._done < self._total:
            rest = self._total - self._done
            left = (now - self._start) / self._done * rest
            line += f", {left:.0f} s left"
        return f"{line}, {note}" if note else line
