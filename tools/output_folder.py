"""A folder of results that is complete or not there."""

import contextlib
import pathlib
from collections.abc import Iterator

from tfsnn.errors import ExportError
from tfsnn.export.new_folder import new_folder


def check(path: str | pathlib.Path, *, marker: str, overwrite: bool) -> None:
    """Refuses a folder that `replaced_whole` would refuse; writes nothing.

    Args:
        path: Folder to be written.
        marker: File by which a folder of this command is known.
        overwrite: Whether a folder with the marker may be replaced.

    Raises:
        ExportError: If something is there that must not be replaced.
    """
    path = pathlib.Path(path)
    if not path.exists():
        return
    if not path.is_dir():
        raise ExportError(
            f"Received the output folder '{path}', which is a file. Supported:"
            " a new folder. Choose another --output."
        )
    if not any(path.iterdir()):
        return
    if not (path / marker).is_file():
        raise ExportError(
            f"Received the output folder '{path}', which exists and holds no"
            f" {marker}: another program's files may be in it. Supported: a"
            " new folder, or one that this command wrote. Choose another"
            " --output."
        )
    if not overwrite:
        raise ExportError(
            f"Received the output folder '{path}', which exists. Supported: a"
            " new folder. Choose another --output, or replace it with"
            " --overwrite."
        )


@contextlib.contextmanager
def replaced_whole(
    path: str | pathlib.Path, *, marker: str, overwrite: bool = False
) -> Iterator[pathlib.Path]:
    """Gives a hidden sibling to fill; puts it in place on success.

    Args:
        path: Folder to be written; its parents are made.
        marker: See `check`.
        overwrite: See `check`.

    Yields:
        An empty folder. Left with an exception, it is removed and `path`
        stays what it was.

    Raises:
        ExportError: See `check`; or if writing fails.
    """
    check(path, marker=marker, overwrite=overwrite)
    with new_folder(
        path,
        overwrite=True,  # Allowed by the check above: empty, or ours.
        is_ours=lambda folder: (folder / marker).is_file(),
    ) as folder:
        yield folder
