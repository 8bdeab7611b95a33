"""A folder that is there as a whole or not at all."""

import contextlib
import errno
import os
import pathlib
import secrets
import shutil
from collections.abc import Callable, Iterator

import tensorflow as tf

from tfsnn.errors import ExportError, TfsnnError

from .exchange import exchange

_FULL = (errno.ENOSPC, errno.EDQUOT)
# TensorFlow reports a full disk as text only.
_FULL_TEXTS = tuple(os.strerror(number) for number in _FULL)


def check_new_folder(
    path: str | os.PathLike,
    *,
    overwrite: bool,
    is_ours: Callable[[pathlib.Path], bool],
) -> pathlib.Path:
    """Refuses a place where no folder may be written; writes nothing.

    Args:
        path: Folder to be written.
        overwrite: Whether an earlier folder of ours may be replaced.
        is_ours: Whether a folder is one of ours.

    Returns:
        The absolute path, links followed.

    Raises:
        ExportError: If something is there that may not be replaced.
    """
    path = pathlib.Path(path).resolve()
    try:
        if not path.exists():
            return path
    except OSError as error:
        raise ExportError(_text(error, path)) from error
    if not path.is_dir():
        raise ExportError(
            f"The export folder '{path}' is a file. Supported: a path where"
            " nothing is yet. Choose another path."
        )
    if not overwrite:
        raise ExportError(
            f"The export folder '{path}' exists. Supported: a path where"
            " nothing is yet. Choose another path, or replace the folder with"
            " overwrite=True."
        )
    if any(path.iterdir()) and not is_ours(path):
        raise ExportError(
            f"The folder '{path}' holds files and is no earlier export (no"
            " manifest of one). Supported with overwrite=True: an earlier"
            " export or an empty folder. Choose another path."
        )
    return path


@contextlib.contextmanager
def new_folder(
    path: str | os.PathLike,
    *,
    overwrite: bool = False,
    is_ours: Callable[[pathlib.Path], bool],
    needed_bytes: int | None = None,
) -> Iterator[pathlib.Path]:
    """Gives an empty folder to fill; moves it into place on success.

    The folder is a hidden sibling, `.NAME.partial-PID-...`, so that the last
    step is a rename. Whatever goes wrong, an interrupt included, it is
    removed, and an earlier folder at `path` is there again as it was. Only a
    killed process leaves the sibling behind.

    Args:
        path: Folder to be written; missing parents are made.
        overwrite: Whether an earlier folder of ours may be replaced, with all
            that is in it.
        is_ours: Whether a folder is one of ours.
        needed_bytes: Least size of what will be written, for the error text.

    Yields:
        The folder to fill.

    Raises:
        ExportError: If something is there that may not be replaced, or if
            writing fails.
    """
    place = {"overwrite": overwrite, "is_ours": is_ours}
    path = check_new_folder(path, **place)
    mark = _mark()
    aside = path.with_name(f".{path.name}.old-{mark}")
    made = _missing_parents(path)
    done = False

    def move(partial):
        nonlocal done
        check_new_folder(path, **place)
        _swap(partial, path, aside)
        done = True

    try:
        partial = path.with_name(f".{path.name}.partial-{mark}")
        with _filled(partial, path, needed_bytes, move):
            yield partial
    finally:
        if path.exists():
            shutil.rmtree(aside, ignore_errors=True)
        if not done:
            _remove_empty(made)


@contextlib.contextmanager
def additions(
    path: pathlib.Path,
    move: Callable[[pathlib.Path], None],
    *,
    needed_bytes: int | None = None,
) -> Iterator[pathlib.Path]:
    """Gives an empty folder to fill; its content then moves into another.

    The folder is hidden inside `path`, `.partial-PID-...`. Whatever goes
    wrong, it is removed; only a killed process leaves it behind.

    Args:
        path: An existing folder.
        move: Renames what is in the folder given into `path`.
        needed_bytes: Least size of what will be written, for the error text.

    Yields:
        The folder to fill.

    Raises:
        ExportError: If writing fails.
    """
    partial = path / f".partial-{_mark()}"
    with _filled(partial, path, needed_bytes, move):
        yield partial


@contextlib.contextmanager
def _filled(partial, path, needed_bytes, move) -> Iterator[None]:
    """Makes a folder, lets it be filled, and moves it if all went well."""
    room = _room(partial, needed_bytes)
    try:
        partial.parent.mkdir(parents=True, exist_ok=True)
        partial.mkdir()
        yield
        _sync(partial)
        move(partial)
    except TfsnnError:
        raise
    except (OSError, tf.errors.OpError) as error:
        raise ExportError(_text(error, path, room)) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _mark() -> str:
    """Tells the temporary folders of two writers apart."""
    return f"{os.getpid()}-{secrets.token_hex(4)}"


def _missing_parents(path: pathlib.Path) -> list[pathlib.Path]:
    """Parents that do not exist yet, innermost first."""
    return [parent for parent in path.parents if not parent.exists()]


def _remove_empty(folders: list[pathlib.Path]) -> None:
    for folder in folders:
        with contextlib.suppress(OSError):
            folder.rmdir()


def _sync(folder: pathlib.Path) -> None:
    """Makes sure that the content outlives a power cut after the rename."""
    for entry in sorted(folder.rglob("*")) + [folder]:
        if entry.is_file():
            with entry.open("rb+") as file:
                os.fsync(file.fileno())
        elif os.name == "posix":
            _sync_folder(entry)


def _sync_folder(folder: pathlib.Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _swap(new: pathlib.Path, path: pathlib.Path, aside: pathlib.Path) -> None:
    """Moves the new folder into place and what was there out of it."""
    try:
        if not (path.exists() and exchange(new, path)):
            if path.exists():
                path.rename(aside)
            new.rename(path)
    except BaseException:
        # Judged by what is there: an interrupt may come between any two steps.
        if aside.exists() and not path.exists():
            aside.rename(path)
        raise
    if os.name == "posix":
        with contextlib.suppress(OSError):
            _sync_folder(path.parent)


def _text(error, path: pathlib.Path, room: str = "") -> str:
    number = getattr(error, "errno", None)
    reason = os.strerror(number) if number else str(error)
    if number in _FULL or any(text in str(error) for text in _FULL_TEXTS):
        return (
            f"The disk is full: '{path}' was not written{room}. Nothing was"
            " left behind. Free some space or choose another path."
        )
    return (
        f"'{path}' cannot be written: {reason}. Nothing was left behind."
        " Choose a path in a folder that exists and that you may write to."
    )


def _room(path: pathlib.Path, needed_bytes: int | None) -> str:
    """What was free before anything was written, and what is needed."""
    facts = []
    for folder in path.parents:
        with contextlib.suppress(OSError):
            free = shutil.disk_usage(folder).free
            facts.append(f"{free / 1e6:.1f} MB were free")
            break
    if needed_bytes is not None:
        facts.append(f"more than {needed_bytes / 1e6:.1f} MB are needed")
    return f" ({', '.join(facts)})" if facts else ""
