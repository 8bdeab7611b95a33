"""Whether arrays are images that fit a network's inputs, and why not."""

from collections.abc import Mapping, Sequence
from typing import NoReturn

import numpy as np

from tfsnn.errors import DataError
from tfsnn.inputs import (
    Images,
    InputShape,
    InputShapes,
    each,
    every,
    every_shape,
)


def fits(shape: Sequence[int], expected: InputShape) -> bool:
    """Whether a shape agrees with one in which None stands for any size."""
    return len(shape) == len(expected) and all(
        want is None or have == want
        for have, want in zip(shape, expected, strict=True)
    )


def shape_text(input_shape: InputShape) -> str:
    """A batch of this input shape as text: `[B, 32, 32, 3]`."""
    sizes = ["any" if size is None else str(size) for size in input_shape]
    return f"[{', '.join(['B', *sizes])}]"


def is_numeric(dtype: np.dtype) -> bool:
    """Whether a dtype holds real numbers, bfloat16 and bool included."""
    return dtype.kind in "biuf" or dtype.name.startswith(("bfloat", "float"))


def are_shaped(images: Images, shapes: InputShapes) -> bool:
    """Whether numbers have the rank of a batch, so that their count is B."""
    arrays = every(images)
    return len({len(x) if x.ndim else 0 for x in arrays}) == 1 and all(
        array.ndim == len(shape) + 1 and is_numeric(array.dtype)
        for array, shape in zip(arrays, every_shape(shapes), strict=True)
    )


def is_single(images: Images, shapes: InputShapes) -> bool:
    """Whether it is one image without a batch axis."""
    return all(
        fits(array.shape, shape)
        for array, shape in zip(every(images), every_shape(shapes), strict=True)
    )


def to_float32(images: Images) -> Images:
    """Copies numbers into new, contiguous float32 arrays, values unscaled.

    Args:
        images: Numbers of any shape and real dtype; float64 values beyond the
            range of float32 become infinite.

    Returns:
        Float32 of the same shape, which shares no memory.
    """
    with np.errstate(over="ignore"):
        return each(
            lambda array: np.array(array, dtype=np.float32, order="C"), images
        )


def find_problems(images: Images, shapes: InputShapes) -> list[str]:
    """Lists why a batch cannot enter a network; looks at no value.

    Args:
        images: Candidate for `[B, ...]`, any dtype; one for each input.
        shapes: Shape of one image, without B; None: any size. Of several
            inputs, name to shape.

    Returns:
        One complete text a problem; empty where the batch fits.
    """
    if not isinstance(shapes, Mapping):
        remedy = "Pass the images first, (images, labels), or the images alone."
        return _problems(images, shapes, remedy)
    names = ", ".join(shapes)
    remedy = f"Pass the inputs in a tuple, (({names}), labels), or as a dict."
    problems = [
        f"Input '{name}': {problem}"
        for (name, shape), array in zip(shapes.items(), images, strict=True)
        for problem in _problems(array, shape, remedy)
    ]
    counts = {n: len(x) for n, x in zip(shapes, images, strict=True) if x.ndim}
    if not problems and len(set(counts.values())) > 1:
        problems.append(
            f"Received {counts} rows. Supported: as many rows in each input."
            " Put into row n of each what belongs to sample n."
        )
    return problems


def _problems(
    images: np.ndarray, input_shape: InputShape, remedy: str
) -> list[str]:
    """The same for one input; `remedy` is for labels in its place."""
    if fits(images.shape[1:], input_shape) and images.ndim:
        return [] if is_numeric(images.dtype) else [_dtype_problem(images)]
    if images.ndim <= 1 and images.dtype.kind in "iu":
        return [
            f"Received integers of shape {images.shape} as images: these look"
            f" like labels in the data. Supported: {shape_text(input_shape)}."
            f" {remedy}"
        ]
    problems = [
        f"Received images of shape {images.shape}, dtype {images.dtype}."
        f" Supported: {shape_text(input_shape)}."
        f" {_shape_hint(images.shape, input_shape)}"
    ]
    if not is_numeric(images.dtype):
        problems.append(_dtype_problem(images))
    return problems


def _dtype_problem(images: np.ndarray) -> str:
    return (
        f"Received images of dtype {images.dtype}, which is not numeric."
        " Supported: integers and floats. Decode or convert the images first."
    )


def _shape_hint(shape: tuple[int, ...], input_shape: InputShape) -> str:
    expected = tuple(input_shape)
    if not expected:
        return "Reshape the images."
    *spatial, channels = expected
    channels_first = (channels, *spatial)
    if fits(shape, expected):
        return "This is a single image: add the batch axis, images[None]."
    if channels in (1, None) and (
        fits(shape[1:], spatial) or fits(shape, spatial)
    ):
        return "The channel axis is missing: add it, images[..., None]."
    if fits(shape[1:], channels_first) or fits(shape, channels_first):
        return (
            "The channels come first: move them last,"
            " np.moveaxis(images, -3, -1)."
            if len(expected) == 3
            else "The channels come first: move them last."
        )
    if None not in expected and shape[1:] == (np.prod(expected),):
        return f"The images are flattened: reshape them to {(-1, *expected)}."
    if len(shape) == len(expected) + 1 and fits(shape[1:-1], spatial):
        return (
            f"The images have {shape[-1]} channels, not {channels}: convert"
            " them."
        )
    if len(shape) == len(expected) + 1:
        return "Resize or crop the images to the size the network takes."
    return "Reshape the images."


def find_non_finite(images: Images) -> list[str]:
    """Lists NaN and infinite values, as `find_problems` does.

    Args:
        images: Float arrays of any shape.

    Returns:
        One text, or nothing where all values are finite.
    """
    num_nan = sum(int(np.isnan(array).sum()) for array in every(images))
    num_infinite = sum(int(np.isinf(array).sum()) for array in every(images))
    if not num_nan + num_infinite:
        return []
    size = sum(array.size for array in every(images))
    return [
        f"Received {num_nan} NaN and {num_infinite} infinite values (as"
        f" float32) among {size} pixel values. Supported: finite"
        " numbers. Remove these images, or repair their preprocessing."
    ]


def refuse(what: str, problems: Sequence[str]) -> NoReturn:
    """Raises one error that lists all problems.

    Args:
        what: What was looked at, for example `calibration data`.
        problems: At least one complete text.

    Raises:
        DataError: Always.
    """
    if len(problems) == 1:
        raise DataError(f"In the {what}: {problems[0]}")
    lines = [f"{len(problems)} problems in the {what}:"]
    raise DataError("\n- ".join([*lines, *problems]))
