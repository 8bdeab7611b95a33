"""Images and labels in an npz file, never unpickled."""

import pathlib
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfsnn import batches
from tfsnn.errors import DataError


def read_pair(
    place: str, split: str | None, names: Sequence[str] = ()
) -> batches.Pair:
    """Reads one pair of arrays; leaves the others unread.

    Args:
        place: `FILE` or `FILE:PREFIX`. Without a prefix the arrays are
            `images` (or `x`) and `labels` (or `y`), with one
            `PREFIX_images` (or `x_PREFIX`) and `PREFIX_labels` (or
            `y_PREFIX`).
        split: Prefix to prefer where `place` has none and the file has it.
        names: Of the inputs, if there are several: each has an array of that
            name, or `PREFIX_NAME`, in place of the images.

    Returns:
        The arrays as stored; labels are None where there are none.

    Raises:
        DataError: If there is no such file or array, or it cannot be read.
    """
    name, prefix = place, ""
    if not pathlib.Path(place).exists() and ":" in place:
        name, _, prefix = place.rpartition(":")
    if not pathlib.Path(name).is_file():
        raise DataError(
            f"Received npz:{place}, but '{name}' is not a file. Supported:"
            " files written by numpy.savez. Check the path."
        )
    prefixes = [prefix] if prefix or not split else [split, ""]
    try:
        with pathlib.Path(name).open("rb") as file:
            content = np.load(file, allow_pickle=False)
            if isinstance(content, np.ndarray):
                raise ValueError("it holds a single array")
            if names:
                keys, labels = _find_inputs(content, name, prefixes, names)
                images = tuple(content[key] for key in keys)
                return batches.Pair(images, content.get(labels))
            images, labels = _find_names(content, name, prefixes)
            return batches.Pair(content[images], content.get(labels))
    except DataError:
        raise
    except MemoryError as error:
        raise DataError(
            f"Received '{name}', whose arrays do not fit into memory: {error}."
            " Supported: arrays that do, for they are read whole. Write a part"
            " of them, or pass a tf.data.Dataset from Python."
        ) from error
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as e:
        raise DataError(
            f"Received '{name}', which cannot be read as an npz file: {e}."
            " Supported: files of numbers written by numpy.savez, without"
            " pickled objects. Write it anew."
        ) from e


def _find_names(
    content: Mapping[str, Any], name: str, prefixes: list[str]
) -> tuple[str, str]:
    """The first pair of names of which the file has the images."""
    candidates = [pair for prefix in prefixes for pair in _names(prefix)]
    for images, labels in candidates:
        if images in content:
            return images, labels
    raise DataError(
        f"Received '{name}' with the arrays"
        f" {', '.join(sorted(content)) or '(none)'}, but without"
        f" {' or '.join(images for images, _ in candidates)}. Supported:"
        " images and labels, or PREFIX_images and PREFIX_labels. Rename the"
        f" array, or use npz:{name}:PREFIX."
    )


def _names(prefix: str) -> list[tuple[str, str]]:
    if not prefix:
        return [("images", "labels"), ("x", "y")]
    return [
        (f"{prefix}_images", f"{prefix}_labels"),
        (f"x_{prefix}", f"y_{prefix}"),
    ]


def _find_inputs(
    content: Mapping[str, Any],
    name: str,
    prefixes: list[str],
    names: Sequence[str],
) -> tuple[list[str], str | None]:
    """The first prefix with which the file has all inputs; and its labels."""
    for prefix in prefixes:
        keys = [f"{prefix}_{one}" if prefix else one for one in names]
        if all(key in content for key in keys):
            labels = [labels for _, labels in _names(prefix)]
            return keys, next((key for key in labels if key in content), None)
    listed = ", ".join(names)
    raise DataError(
        f"Received '{name}' with the arrays"
        f" {', '.join(sorted(content)) or '(none)'}, for a network with the"
        f" inputs {listed}. Supported: an array for each, named {listed} or"
        f" PREFIX_{names[0]} and so on, and labels. Write it with"
        f" numpy.savez(FILE, {'=..., '.join(names)}=..., labels=...)."
    )
