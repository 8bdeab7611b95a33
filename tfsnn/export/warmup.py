"""Requests that a server replays before it offers a version."""

import importlib.util
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from .image_checks import TAKEN
from .manifest import EXTRA
from .signatures import ANYTIME, SERIALIZED, Concrete

FILE = "tf_serving_warmup_requests"
BATCH_SIZES = (1, 8)


def can_write_warmup() -> bool:
    """Whether tensorflow-serving-api (extra `serving`) is installed."""
    return importlib.util.find_spec("tensorflow_serving") is not None


def write_warmup(
    folder: pathlib.Path, name: str, functions: Mapping[str, Concrete]
) -> dict[str, Any] | None:
    """Writes `assets.extra/tf_serving_warmup_requests` of one version.

    Args:
        folder: The version folder.
        name: Name of the model.
        functions: Name of each signature to its function.

    Returns:
        What was written: signatures and batch sizes. None, and nothing
        written, where `can_write_warmup` is False.
    """
    if not can_write_warmup():
        return None
    from tensorflow_serving.apis import prediction_log_pb2

    path = folder / EXTRA / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for signature in sorted(functions):
            for batch_size in BATCH_SIZES:
                log = prediction_log_pb2.PredictionLog()
                request = log.predict_log.request
                request.model_spec.name = name
                request.model_spec.signature_name = signature
                values = example_inputs(
                    signature, functions[signature], batch_size
                )
                for key in sorted(values):
                    tensor = tf.make_tensor_proto(values[key])
                    request.inputs[key].CopyFrom(tensor)
                writer.write(log.SerializeToString(deterministic=True))
    return {
        "signatures": sorted(functions),
        "batch_sizes": list(BATCH_SIZES),
    }


def example_inputs(
    signature: str, function: Concrete, batch_size: int
) -> dict[str, np.ndarray]:
    """Values a signature takes, the same in every process.

    Args:
        signature: Its name.
        function: Its function.
        batch_size: B.

    Returns:
        Input name to array `[B, ...]`.
    """
    specs = function.structured_input_signature[0]
    if signature.endswith(SERIALIZED):
        file = _png()
        return {specs[0].name: np.array([file] * batch_size, dtype=object)}
    rng = np.random.default_rng(0)
    values = {}
    for spec in specs:
        if spec.name in TAKEN:
            continue
        shape = [batch_size, *[size or 32 for size in spec.shape[1:]]]
        values[spec.name] = rng.random(shape, dtype="float32")
    if signature.endswith(ANYTIME):
        # No image is that sure: every step is run.
        values["confidence"] = np.full(batch_size, 2, "float32")
        values["max_steps"] = np.full(
            batch_size, np.iinfo("int32").max, "int32"
        )
    return values


def _png() -> bytes:
    """A small grey picture; it is decoded to whatever the network takes."""
    pixels = np.full((8, 8, 1), 128, "uint8")
    return tf.io.encode_png(pixels).numpy()
