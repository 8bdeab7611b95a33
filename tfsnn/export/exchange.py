"""Swaps two folders in one step, where the system can."""

import ctypes
import os
import pathlib
import sys

_HERE = -100  # AT_FDCWD: names are seen from the current folder.
_EXCHANGE = 2  # RENAME_EXCHANGE


def exchange(one: pathlib.Path, other: pathlib.Path) -> bool:
    """Gives each of two folders the name of the other, at once.

    There is no moment at which one of the names is missing, not even for a
    process that is killed.

    Args:
        one: An existing folder.
        other: Another one in the same file system.

    Returns:
        Whether it was done; False, with nothing changed, on systems other
        than Linux and file systems that cannot do it.
    """
    if not sys.platform.startswith("linux"):
        return False
    function = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if function is None:
        return False
    names = [os.fsencode(path) for path in (one, other)]
    return function(_HERE, names[0], _HERE, names[1], _EXCHANGE) == 0
