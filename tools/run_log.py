"""A log in the folder of a run: what was said, and when."""

import contextlib
import pathlib
import sys
import time
from collections.abc import Iterator

from tfsnn import progress

NAME = "log.txt"


@contextlib.contextmanager
def collected() -> Iterator[list[str]]:
    """Collects progress and notes of a block as plain lines.

    Yields:
        The lines so far, each with date and time.
    """
    lines: list[str] = []

    def add(text: str) -> None:
        lines.append(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}")

    add("started")
    with progress.listening(add):
        yield lines
    add("finished")


def write(lines: list[str], folder: pathlib.Path) -> None:
    """Writes `log.txt`.

    Args:
        lines: What was collected.
        folder: An existing folder.
    """
    text = "".join(f"{line}\n" for line in lines)
    (folder / NAME).write_text(text, encoding="utf-8")


def note(text: str) -> None:
    """Says something on stderr, and in the log if there is one.

    Args:
        text: One line.
    """
    sys.stderr.write(f"{text}\n")
    progress.tell(text)
