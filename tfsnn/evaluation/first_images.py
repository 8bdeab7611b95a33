"""The first images of a data set, with or without labels."""

from typing import Any

import numpy as np

from tfsnn.batches import iterate_pairs, resolve, whole_arrays
from tfsnn.errors import DataError
from tfsnn.image_arrays import (
    InputShape,
    find_non_finite,
    find_problems,
    fits,
    refuse,
    to_float32,
)


def first_images(
    data: Any, *, input_shape: InputShape, num_images: int
) -> np.ndarray:
    """Takes images from the beginning.

    Args:
        data: Any form of data that `evaluate` takes; labels are dropped.
        input_shape: Shape of one image, without B; None: any size.
        num_images: Most images taken.

    Returns:
        `[N, ...]` float32, N at least 1.

    Raises:
        DataError: If there are none, or they do not fit.
    """
    data = resolve(data)
    whole = whole_arrays(data)
    elements = [whole] if whole is not None else iterate_pairs(data)
    parts, missing = [], num_images
    for images, _ in elements:
        if fits(images.shape, input_shape):
            images = images[None]
        problems = find_problems(images, input_shape)
        if problems:
            refuse("images", problems)
        parts.append(to_float32(images[:missing]))
        missing -= len(parts[-1])
        if not missing:
            break
    images = np.concatenate(parts) if parts else np.zeros(0)
    if not len(images):
        raise DataError(
            "Received no images. Supported: at least 1. A generator that was"
            " read before has to be made anew."
        )
    problems = find_non_finite(images)
    if problems:
        refuse("images", problems)
    return images
