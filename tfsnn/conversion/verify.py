"""Compares the prepared model with the source."""

import keras
import numpy as np

from tfsnn.errors import ConversionError

TOLERANCE = {"float64": 1e-9}
SINGLE_TOLERANCE = 1e-4


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
        Largest difference over the largest output of the source.

    Raises:
        ConversionError: If it exceeds 1e-4 (1e-9 for float64 models), or an
            output is not finite.
    """
    if images is None:
        images = probe_images(source)
    tolerance = TOLERANCE.get(source.dtype, SINGLE_TOLERANCE)
    expected, received = (
        [
            keras.ops.convert_to_numpy(output).astype("float64")
            for output in keras.tree.flatten(model(images, training=False))
        ]
        for model in (source, prepared)
    )
    if not all(np.isfinite(output).all() for output in expected):
        raise ConversionError(
            f"Model '{source.name}' gives outputs that are not finite on"
            f" {len(images)} {'random ' if images is None else ''}inputs, so"
            " the conversion cannot be verified. Check its weights and pass"
            " real images as `sample`."
        )
    difference = max(
        np.abs(a - b).max() / max(np.abs(a).max(), np.finfo("float32").tiny)
        for a, b in zip(expected, received, strict=True)
    )
    if not difference <= tolerance:
        raise ConversionError(
            f"The prepared model differs from '{source.name}' by"
            f" {difference:.2e} of the largest output; up to {tolerance:.0e}"
            " is rounding. This is a fault of the conversion: report the model"
            " with `tfsnn check MODEL --json`."
        )
    return float(difference)
