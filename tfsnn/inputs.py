"""What enters a network: one array, or a tuple with one for each input.

A network with one input takes `[B, ...]`, one with several a tuple of such
arrays in the order of its inputs, B the same for all. What only hands images on
does so by these functions, and need not know which it is.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

Images = np.ndarray | tuple[np.ndarray, ...]
InputShape = Sequence[int | None]
InputShapes = InputShape | Mapping[str, InputShape]
"""Shape of one image without B, None for any size; of a network with several
inputs, name to shape in their order."""


def input_shapes(model: Any) -> InputShapes:
    """What a built Keras model takes.

    Args:
        model: With `inputs`, symbolic tensors that have a name and a shape.

    Returns:
        The shape of its one input, or name to shape.
    """
    shapes = {tensor.name: tuple(tensor.shape[1:]) for tensor in model.inputs}
    return next(iter(shapes.values())) if len(shapes) == 1 else shapes


def names_of(shapes: InputShapes) -> tuple[str, ...]:
    """Names of several inputs; nothing where there is only one."""
    return tuple(shapes) if isinstance(shapes, Mapping) else ()


def every_shape(shapes: InputShapes) -> tuple[InputShape, ...]:
    """The shapes, one for each input."""
    return tuple(shapes.values()) if isinstance(shapes, Mapping) else (shapes,)


def every(images: Any) -> tuple:
    """The arrays, one for each input."""
    return images if isinstance(images, tuple) else (images,)


def each(function: Callable, *images: Any) -> Any:
    """Applies a function to each input.

    Args:
        function: Of as many arrays as there are `images`.
        *images: Structures of the same inputs.

    Returns:
        What it returns; a tuple of that for several inputs.
    """
    if not isinstance(images[0], tuple):
        return function(*images)
    return tuple(function(*arrays) for arrays in zip(*images, strict=True))


def count_images(images: Images) -> int:
    """B, or N."""
    return len(every(images)[0])


def take(images: Images, rows: slice | np.ndarray) -> Images:
    """Some of the images: a slice, places, or a mask."""
    return each(lambda array: array[rows], images)


def in_batches(images: Images, size: int) -> Iterator[Images]:
    """The images in order, `size` at a time; the last batch may be smaller."""
    for start in range(0, count_images(images), size):
        yield take(images, slice(start, start + size))


def join(parts: Sequence[Images]) -> Images:
    """Batches one behind the other; at least one."""
    return each(lambda *arrays: np.concatenate(arrays), *parts)
