"""Tells whether the files of an export are those of an earlier look."""

import contextlib
import pathlib


def folder_state(folder: pathlib.Path) -> tuple:
    """What changes when a file is written, added, removed or replaced.

    Args:
        folder: An export folder; it need not exist.

    Returns:
        Path, size, time and number of every file and folder in it, to be
        compared; temporary ones of an export under way are left out.
    """
    found = []
    with contextlib.suppress(OSError):
        for file in sorted(folder.rglob("*")):
            name = file.relative_to(folder).as_posix()
            if name.startswith("."):
                continue
            with contextlib.suppress(OSError):
                stat = file.stat()
                size = stat.st_size if file.is_file() else 0
                found.append((name, size, stat.st_mtime_ns, stat.st_ino))
    return tuple(found)
