"""Compares the prepared model with the source."""

import keras
import numpy as np

from tfsnn.errors import ConversionError

TOLERANCE = {
    "float64": 1e-9,
    "float32": 1e-4,
    "float16": 2e-2,
    "bfloat16": 1e-1,
}
"""By the coarsest dtype a layer computes in: rounding, not real differences."""


def probe_images(model: keras.Model, *, num_images: int = 8) -> np.ndarray:
    """Random input for a comparison: half normal, half raw pixels 0...255.

    Args:
        model: One input; unknown axes become 32.
        num_images: Number of samples.

    Returns:
        float32 `[num_images, ...]`, the same at every call.
    """
    shape = [32 if axis is None else axis for axis in model.inputs[0].shape[1:]]
    rng = np.random.default_rng(0)
    half = num_images // 2
    normal = rng.normal(size=(half, *shape))
    pixels = rng.uniform(0, 255, size=(num_images - half, *shape))
    return np.concatenate([normal, pixels]).astype("float32")


def verify(
    prepared: keras.Model, source: keras.Model, images: np.ndarray | None = None
) -> float:
    """Runs both models and compares their outputs.

    Args:
        prepared: The rewritten model.
        source: The user's model.
        images: What to run them on, `[B, ...]`; None: random input.

    Returns:
        Largest difference over the largest output of the source, of the worse
        half of the images: raw pixels would hide an error on small inputs.

    Raises:
        ConversionError: If it exceeds `TOLERANCE`, or an output is not finite.
    """
    given = images is not None
    images = np.asarray(images) if given else probe_images(source)
    halves = [half for half in np.array_split(images, 2) if len(half)]
    tolerance = tolerance_for(source)
    difference = 0.0
    for half in halves:
        expected, received = _outputs(source, half), _outputs(prepared, half)
        if not all(np.isfinite(output).all() for output in expected):
            raise ConversionError(
                f"Model '{source.name}' gives outputs that are not finite on"
                f" {len(images)} {'given' if given else 'random'} inputs, so"
                " the conversion cannot be verified. Supported: finite outputs."
                " Check its weights and pass real images as `sample`."
            )
        # Not max(): it may drop a NaN.
        difference = np.maximum(difference, _difference(expected, received))
    if not difference <= tolerance:
        raise ConversionError(
            f"The prepared model differs from '{source.name}' by"
            f" {difference:.2e} of the largest output. Supported: up to"
            f" {tolerance:.0e}, which is rounding. This is a fault of the"
            " conversion: report the model with `tfsnn check MODEL --json`."
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
        for output in keras.tree.flatten(model(images, training=False))
    ]


def _difference(expected, received):
    smallest = np.finfo("float32").tiny
    relative = [
        np.abs(a - b).max(initial=0) / max(np.abs(a).max(initial=0), smallest)
        for a, b in zip(expected, received, strict=True)
    ]
    return np.max(relative)
