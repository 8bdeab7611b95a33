"""Reads what `tfsnn request` sends."""

import pathlib
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from tfsnn.errors import DataError
from tfsnn_tools.preprocessing import Number, Preprocessing
from tfsnn_tools.request_signature import is_array

SUPPORTED = "Supported: JPEG, PNG, BMP and GIF files, and .npy files [N, ...]."


def contents(paths: Sequence[pathlib.Path]) -> np.ndarray:
    """The bytes of files, as they are.

    Args:
        paths: Image files.

    Returns:
        Objects `[N]`.

    Raises:
        DataError: If one cannot be read.
    """
    return np.array([_read(path) for path in paths], dtype=object)


def read(
    paths: Sequence[pathlib.Path],
    *,
    scale: Number | None,
    mean: Sequence[Number] | None,
    std: Sequence[Number] | None,
) -> np.ndarray:
    """Images as a network takes them.

    Args:
        paths: Image files, scaled here, and `.npy` files, taken as they are.
        scale: Factor of the pixels of image files.
        mean: Subtracted after scaling.
        std: Divides last.

    Returns:
        Float32 `[N, ...]`, in the order of the paths.

    Raises:
        DataError: If one cannot be read, or they differ in size.
    """
    preprocessing = Preprocessing.from_flags(scale=scale, mean=mean, std=std)
    transform = preprocessing.transform()
    found = []
    for path in paths:
        if is_array(path):
            found.append(_array(path))
        else:
            found.append(transform(_decoded(path)[np.newaxis]))
    shapes = {images.shape[1:] for images in found}
    if len(shapes) > 1:
        raise DataError(
            f"Received images of the shapes {sorted(shapes)}. Supported: one"
            " shape in a request. Send them one by one, or let the server"
            " decode them (--signature=serialized)."
        )
    return np.concatenate(found)


def _read(path: pathlib.Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(
            f"Received '{path}', which cannot be read: {error.strerror}."
            f" {SUPPORTED} Check the path."
        ) from error


def _decoded(path: pathlib.Path) -> np.ndarray:
    try:
        pixels = tf.io.decode_image(_read(path), expand_animations=False)
    except tf.errors.InvalidArgumentError as error:
        raise DataError(
            f"Received '{path}', which is no image. {SUPPORTED} Convert it."
        ) from error
    return pixels.numpy().astype("float32")


def _array(path: pathlib.Path) -> np.ndarray:
    try:
        found = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(
            f"Received '{path}', which cannot be read: {error}. {SUPPORTED}"
            " Save it with numpy.save."
        ) from error
    if found.ndim < 2 or not np.issubdtype(found.dtype, np.number):
        raise DataError(
            f"Received '{path}', which holds {found.dtype} {found.shape}."
            f" {SUPPORTED} Save images with a batch axis."
        )
    return found.astype("float32")
