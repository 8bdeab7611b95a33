"""The first images of a data set, with or without labels."""

from typing import Any

import numpy as np

from tfsnn.batches import iterate_pairs, resolve, whole_arrays
from tfsnn.errors import DataError
from tfsnn.image_arrays import (
    find_non_finite,
    find_problems,
    is_single,
    refuse,
    to_float32,
)
from tfsnn.inputs import (
    Images,
    InputShapes,
    count_images,
    each,
    join,
    names_of,
    take,
)


def first_images(
    data: Any, *, input_shape: InputShapes, num_images: int
) -> Images:
    """Takes images from the beginning.

    Args:
        data: Any form of data that `evaluate` takes; labels are dropped.
        input_shape: Shape of one image, without B; None: any size. Of several
            inputs, name to shape.
        num_images: Most images taken.

    Returns:
        `[N, ...]` float32, N at least 1; a tuple for several inputs.

    Raises:
        DataError: If there are none, or they do not fit.
    """
    data = resolve(data)
    names = names_of(input_shape)
    whole = whole_arrays(data, names)
    elements = [whole] if whole is not None else iterate_pairs(data, names)
    parts, missing = [], num_images
    for images, _ in elements:
        if is_single(images, input_shape):
            images = each(lambda array: array[None], images)
        problems = find_problems(images, input_shape)
        if problems:
            refuse("images", problems)
        parts.append(to_float32(take(images, slice(missing))))
        missing -= count_images(parts[-1])
        if not missing:
            break
    images = join(parts) if parts else np.zeros(0)
    if not count_images(images):
        raise DataError(
            "Received no images. Supported: at least 1. A generator that was"
            " read before has to be made anew."
        )
    problems = find_non_finite(images)
    if problems:
        refuse("images", problems)
    return images
