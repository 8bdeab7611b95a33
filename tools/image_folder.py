"""Image files in a folder, with the names of sub-folders as labels."""

import os
import pathlib
from collections.abc import Callable, Sequence
from concurrent import futures

import numpy as np
import tensorflow as tf

from tfsnn.errors import DataError
from tfsnn_models.image_files import SUFFIXES

SHOWN = 5
BROKEN = (tf.errors.InvalidArgumentError, OSError)


def list_images(folder: str) -> tuple[list[pathlib.Path], np.ndarray | None]:
    """Finds image files in a folder, or in its sub-folders, one a class.

    Args:
        folder: Folder with images, or with one sub-folder a class; hidden
            files and other file types are passed over.

    Returns:
        The files in sorted order, and labels `[N]` int64: positions of their
        sub-folders in sorted order; None for a folder without classes.

    Raises:
        DataError: If the folder is missing or empty, or holds images both
            inside and outside sub-folders.
    """
    root = pathlib.Path(folder)
    supported = (
        f"Supported: a folder of images ({', '.join(SUFFIXES)}), or one with a"
        " sub-folder of images a class."
    )
    if not root.is_dir():
        raise DataError(
            f"Received dir:{folder}, which is not a folder. {supported} Check"
            " the path."
        )
    flat = _images_in(root)
    classes = sorted(
        path
        for path in root.iterdir()
        if path.is_dir() and not path.name.startswith(".")
    )
    members = [_images_in(path) for path in classes]
    nested = [path for paths in members for path in paths]
    if flat and nested:
        raise DataError(
            f"Received dir:{folder} with {len(flat)} images beside sub-folders"
            f" with {len(nested)}. {supported} Move one of the two away."
        )
    if not flat and not nested:
        raise DataError(
            f"Received dir:{folder}, which is empty: no image files found."
            f" {supported} Check the path and the file names."
        )
    if flat:
        return flat, None
    sizes = [len(paths) for paths in members]
    return nested, np.repeat(np.arange(len(classes)), sizes).astype(np.int64)


def _images_in(folder: pathlib.Path) -> list[pathlib.Path]:
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in SUFFIXES
        and not path.name.startswith(".")
        and path.is_file()
    )


def decode(
    paths: Sequence[pathlib.Path],
    channels: int,
    then: Callable[[np.ndarray], np.ndarray],
    *,
    among: Sequence[pathlib.Path] | None = None,
) -> list[np.ndarray]:
    """Decodes image files, several at a time.

    Args:
        paths: Files of any supported type.
        channels: 1 (grey), 3 (colour) or 4 (with transparency).
        then: Applied to each image, `[H, W, C]` uint8, as it is read.
        among: All files that are wanted, of which these are a part; if one
            cannot be decoded, all are looked at. None: these.

    Returns:
        One array a file.

    Raises:
        DataError: If files cannot be decoded; names the first of them.
    """

    def read(path):
        image = tf.io.decode_image(
            path.read_bytes(), channels=channels, expand_animations=False
        )
        return then(image.numpy())

    def problem(path):
        try:
            read(path)
        except BROKEN as error:
            reason = getattr(error, "message", str(error)).splitlines()[0]
            return f"{path}: {reason[:120]}"
        return None

    among = among or paths
    with futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        try:
            return list(pool.map(read, paths))
        except BROKEN as error:
            broken = [text for text in pool.map(problem, among) if text]
            if not broken:
                raise DataError(
                    f"Received image files of which one could not be read the"
                    f" first time: {error}. Supported: files that stay as they"
                    " are. Try again."
                ) from error
    raise DataError(
        f"{len(broken)} of {len(among)} image files cannot be read with"
        f" {channels} channels:\n{listed(broken)}\nSupported: intact files of"
        f" types {', '.join(SUFFIXES)}. Repair or remove these files."
    )


def listed(problems: Sequence[str]) -> str:
    """The first of them, a line each, and how many more there are."""
    more = len(problems) - SHOWN
    rest = [f"and {more} more"] if more > 0 else []
    return "\n".join(f"- {text}" for text in [*problems[:SHOWN], *rest])
