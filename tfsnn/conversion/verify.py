"""Compares the prepared model with the source."""

from typing import Any

import keras
import numpy as np

from tfsnn.batches import iterate_pairs, resolve, whole_arrays
from tfsnn.errors import ConversionError
from tfsnn.graph.arguments import arguments
from tfsnn.image_arrays import (
    find_non_finite,
    find_problems,
    is_numeric,
    is_single,
    refuse,
    to_float32,
)
from tfsnn.inputs import (
    Images,
    count_images,
    each,
    every,
    input_shapes,
    names_of,
    take,
)

TOLERANCE = {
    "float64": 1e-9,
    "float32": 1e-4,
    "float16": 2e-2,
    "bfloat16": 1e-1,
}
"""By the coarsest dtype a layer computes in: rounding, not real differences."""


def probe_images(model: keras.Model, *, num_images: int = 8) -> Images:
    """Random input for a comparison: half normal, half raw pixels 0...255.

    Args:
        model: Unknown axes become 32.
        num_images: Number of samples.

    Returns:
        float32 `[num_images, ...]`, the same at every call; a tuple for
        several inputs.
    """
    rng = np.random.default_rng(0)
    found = []
    for tensor in model.inputs:
        shape = [32 if axis is None else axis for axis in tensor.shape[1:]]
        half = num_images // 2
        normal = rng.normal(size=(half, *shape))
        pixels = rng.uniform(0, 255, size=(num_images - half, *shape))
        found.append(np.concatenate([normal, pixels]).astype("float32"))
    return found[0] if len(found) == 1 else tuple(found)


def sample_images(model: keras.Model, sample: Any) -> Images:
    """Reads the images of a comparison.

    Args:
        model: Whose inputs they are for.
        sample: An array `[B, ...]`, or any form of data `calibrate` takes; of
            what is iterated, the first element.

    Returns:
        float32 `[B, ...]`, at least one; labels are dropped. A tuple for
        several inputs.

    Raises:
        DataError: If the images are empty, not finite or do not fit.
    """
    shapes = input_shapes(model)
    data = resolve(sample)
    whole = whole_arrays(data, names_of(shapes))
    pair = whole or next(iterate_pairs(data, names_of(shapes)), None)
    images = np.empty(0) if pair is None else pair.images
    if any(array.shape[:1] == (0,) for array in every(images)):
        refuse(
            "sample",
            [
                "Received no images. Supported: at least 1. Pass some images,"
                " or no sample at all for random input."
            ],
        )
    if not whole and is_single(images, shapes):
        images = each(lambda array: array[None], images)
    problems = find_problems(images, shapes)
    if all(is_numeric(array.dtype) for array in every(images)):
        images = to_float32(images)
        problems += find_non_finite(images)
    if problems:
        refuse("sample", problems)
    return images


def verify(
    prepared: keras.Model, source: keras.Model, images: Any = None
) -> float:
    """Runs both models and compares their outputs.

    Args:
        prepared: The rewritten model.
        source: The user's model.
        images: What to run them on, see `sample_images`; None: random input.

    Returns:
        Largest difference over the largest output of the source, of the worse
        half of the images: raw pixels would hide an error on small inputs.

    Raises:
        ConversionError: If it exceeds `TOLERANCE`, or an output is not finite.
        DataError: If the images do not fit.
    """
    given = images is not None
    images = sample_images(source, images) if given else probe_images(source)
    half = -(-count_images(images) // 2)
    halves = [take(images, slice(half)), take(images, slice(half, None))]
    halves = [half for half in halves if count_images(half)]
    tolerance = tolerance_for(source)
    difference = 0.0
    for half in halves:
        expected, received = _outputs(source, half), _outputs(prepared, half)
        if not all(np.isfinite(output).all() for output in expected):
            raise ConversionError(
                f"Model '{source.name}' gives outputs that are not finite on"
                f" {count_images(images)} {'given' if given else 'random'}"
                " inputs, so the conversion cannot be verified. Supported:"
                " finite outputs. Check its weights and pass real images as"
                " `sample`."
            )
        # Not max(): it may drop a NaN.
        difference = np.maximum(difference, _difference(expected, received))
    if not difference <= tolerance:
        raise ConversionError(
            f"The prepared model differs from '{source.name}' by"
            f" {difference:.2e} of the largest output. Supported: up to"
            f" {tolerance:.0e}, which is rounding. If you declared a layer"
            " (register_rule, affine=...), correct that; else it is a fault of"
            " the conversion: report the model with `tfsnn check MODEL"
            " --json`."
        )
    return float(difference)


def tolerance_for(model: keras.Model) -> float:
    """The largest difference that rounding explains, see `TOLERANCE`."""
    dtypes = {
        layer.compute_dtype
        for layer in model.layers
        if not isinstance(layer, keras.layers.InputLayer)
    }
    known = [TOLERANCE[dtype] for dtype in dtypes if dtype in TOLERANCE]
    return max(known, default=TOLERANCE["float32"])


def _outputs(model, images):
    return [
        keras.ops.convert_to_numpy(output).astype("float64")
        for output in keras.tree.flatten(
            model(arguments(model, images), training=False)
        )
    ]


def _difference(expected, received):
    smallest = np.finfo("float32").tiny
    relative = [
        np.abs(a - b).max(initial=0) / max(np.abs(a).max(initial=0), smallest)
        for a, b in zip(expected, received, strict=True)
    ]
    return np.max(relative)
