"""Version numbers and labels of exported models.

A server ignores a version folder that was rewritten, and knows versions by
whole numbers only. So the number tells both the revision, raised with every
export to the same folder, and T.
"""

import pathlib

from tfsnn.errors import ExportError

FACTOR = 100_000
BUNDLE = "bundle"


def version_of(revision: int, timesteps: int = 0) -> int:
    """The version number, `revision * 100000 + T`.

    Args:
        revision: At least 1.
        timesteps: T; 0 for a bundle of several.

    Returns:
        The number, also the name of the folder.

    Raises:
        ExportError: If T does not fit.
    """
    if timesteps >= FACTOR:
        raise ExportError(
            f"T={timesteps}. Supported for export: T below {FACTOR}, as version"
            " numbers hold it. Use fewer steps."
        )
    return revision * FACTOR + timesteps


def revision_of(version: int) -> int:
    """The revision a version number tells."""
    return version // FACTOR


def label_of(timesteps: int) -> str:
    """The label under which clients ask for T: `t8`."""
    return f"t{timesteps}"


def version_folders(folder: pathlib.Path) -> dict[int, pathlib.Path]:
    """Version numbers in a folder, ascending, as a server sees them.

    Args:
        folder: Any path.

    Returns:
        Number to folder; none if `folder` is none.
    """
    if not folder.is_dir():
        return {}
    found = {
        int(child.name): child
        for child in folder.iterdir()
        if child.name.isdecimal() and child.is_dir()
    }
    return dict(sorted(found.items()))


def next_revision(folder: pathlib.Path) -> int:
    """A revision above all in a folder, unfinished ones included."""
    return max(map(revision_of, version_folders(folder)), default=0) + 1
