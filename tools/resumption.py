"""Where `tfsnn calibrate` keeps what is finished until all of it is."""

import contextlib
import pathlib
import shutil
import sys
from collections.abc import Iterator

from tfsnn.errors import CheckpointError, ExportError


def folder_of(output: str | pathlib.Path) -> pathlib.Path:
    """Folder of the finished segments, `OUTPUT.partial`.

    Args:
        output: Folder to be written.

    Returns:
        Its sibling.
    """
    output = pathlib.Path(output).resolve()
    return output.with_name(f"{output.name}.partial")


def check(output: str | pathlib.Path, *, resume: bool) -> None:
    """Refuses to start anew where an interrupted run can go on.

    Args:
        output: Folder to be written.
        resume: Whether to go on.

    Raises:
        ExportError: If something is there and `resume` is off.
    """
    folder = folder_of(output)
    if folder.exists() and not resume:
        raise ExportError(
            f"Received the output folder '{output}', beside which '{folder}'"
            " is: an interrupted run keeps its finished segments there."
            " Supported: to go on with them, by --resume, or to start where"
            " none are. Add --resume, or remove that folder to start anew."
        )


@contextlib.contextmanager
def kept_until_done(
    output: str | pathlib.Path, *, resume: bool
) -> Iterator[pathlib.Path]:
    """Gives the place for a checkpoint; removes it on success.

    Says on stderr where there is nothing to resume, and, left with an
    exception, how to go on.

    Args:
        output: Folder to be written.
        resume: See `check`.

    Yields:
        Path of a checkpoint.

    Raises:
        ExportError: See `check`.
    """
    check(output, resume=resume)
    folder = folder_of(output)
    if resume and not folder.exists():
        _say(f"nothing to resume at '{folder}': starting from the beginning")
    try:
        yield folder
    except CheckpointError:  # Not this run's: its text says what to do.
        raise
    except BaseException:
        if folder.exists():
            _say(
                f"finished segments are kept in '{folder}': run the same"
                " command with --resume to go on"
            )
        raise
    shutil.rmtree(folder, ignore_errors=True)


def _say(text: str) -> None:
    print(text, file=sys.stderr)
