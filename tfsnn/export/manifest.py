"""What an exported model is, for the people and programs that use it."""

import hashlib
import pathlib
import platform
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfsnn.calibration import CalibrationResult
from tfsnn.conversion.timetable import latency_steps
from tfsnn.layers import SpikingActivation
from tfsnn.version import __version__

from .serving_function import INPUT_NAME, ServingFunction

SCHEMA_VERSION = 1
PRODUCER = "tfsnn"
SIGNATURE = "serving_default"
MANIFEST = "manifest.json"
EXTRA = "assets.extra"

_BLOCK = 1 << 20


def model_entry(
    timesteps: int,
    model: keras.Model,
    serving: ServingFunction,
    evaluation: Any = None,
) -> dict[str, Any]:
    """Describes one exported model.

    Args:
        timesteps: T, also the version.
        model: The spiking model.
        serving: The function that is saved.
        evaluation: Object with `to_dict()`; None: accuracy unknown.

    Returns:
        Plain types.
    """
    neurons = [x for x in model.layers if isinstance(x, SpikingActivation)]
    return {
        "version": timesteps,
        "timesteps": timesteps,
        "lag": max(layer.lag for layer in neurons),
        "latency_steps": latency_steps(model),
        "execution": serving.execution,
        "signature": _signature(serving),
        "neurons": _neurons(neurons, timesteps),
        "thresholds": [_threshold(layer) for layer in neurons],
        "evaluation": None if evaluation is None else evaluation.to_dict(),
    }


def _signature(serving: ServingFunction) -> dict[str, Any]:
    (images,), _ = serving.function.structured_input_signature
    outputs = serving.function.structured_outputs
    return {
        "name": SIGNATURE,
        "inputs": {INPUT_NAME: _spec(images)},
        "outputs": {name: _spec(outputs[name]) for name in sorted(outputs)},
    }


def _spec(tensor) -> dict[str, Any]:
    return {"shape": tensor.shape.as_list(), "dtype": tensor.dtype.name}


def _neurons(layers: list[SpikingActivation], timesteps: int) -> dict[str, Any]:
    """The kinds of neuron, and whether all are plain: 0 or the threshold."""
    kinds = dict.fromkeys(layer.cell.kind for layer in layers)
    return {
        "is_plain": all(kind.is_plain for kind in kinds),
        "kinds": [
            {
                **kind.to_dict(),
                "num_levels": kind.num_levels(timesteps),
                "bits_per_step": kind.bits,
                "spike_cost": kind.spike_cost,
            }
            for kind in kinds
        ],
    }


def _threshold(layer: SpikingActivation) -> dict[str, Any]:
    values = np.asarray(layer.cell.threshold, "float64")
    return {
        "layer": layer.name,
        "granularity": layer.cell.threshold_per,
        "min": float(values.min()),
        "mean": float(values.mean()),
        "max": float(values.max()),
    }


def origin(models: Mapping[int, keras.Model]) -> dict[str, Any]:
    """Where the models come from and what wrote them.

    Args:
        models: A `CalibrationResult`, or T to models of unknown origin.

    Returns:
        Plain types; no times, so that a repeated export is equal.
    """
    known = isinstance(models, CalibrationResult)
    return {
        "conversion": models.conversion.config.to_dict() if known else None,
        "pipeline": models.pipeline.to_dict() if known else None,
        "calibration": {
            "num_images": models.num_images,
            "digest": models.digest,
            "seed": models.seed,
        }
        if known
        else None,
        "versions": {
            "tfsnn": __version__,
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
    }


def head(name: str) -> dict[str, Any]:
    """The first fields of every manifest.

    Args:
        name: Name of the exported network.

    Returns:
        Plain types.
    """
    return {
        "producer": PRODUCER,
        "schema_version": SCHEMA_VERSION,
        "name": name,
    }


def digests(folder: pathlib.Path) -> dict[str, str]:
    """SHA-256 of the files of one exported model, the manifest left out.

    Args:
        folder: A version folder.

    Returns:
        Path inside the folder to hexadecimal digest, sorted.
    """
    found = {}
    for file in sorted(folder.rglob("*")):
        name = file.relative_to(folder).as_posix()
        if file.is_file() and name != f"{EXTRA}/{MANIFEST}":
            found[name] = _sha256(file)
    return found


def _sha256(file: pathlib.Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as content:
        while block := content.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
