"""What an exported model is, for the people and programs that use it.

The schema is documented in docs/serving.md.
"""

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

from .signatures import Concrete, ServedModel

SCHEMA_VERSION = 2
PRODUCER = "tfsnn"
MANIFEST = "manifest.json"
EXTRA = "assets.extra"

_BLOCK = 1 << 20


def model_entry(
    timesteps: int,
    model: keras.Model,
    served: ServedModel,
    evaluation: Any = None,
) -> dict[str, Any]:
    """Describes one exported model.

    Args:
        timesteps: T.
        model: The spiking model.
        served: What is saved of it.
        evaluation: Object with `to_dict()`; None: accuracy unknown.

    Returns:
        Plain types.
    """
    neurons = [x for x in model.layers if isinstance(x, SpikingActivation)]
    return {
        "timesteps": timesteps,
        "lag": max(layer.lag for layer in neurons),
        "latency_steps": latency_steps(model),
        "execution": served.serving.execution,
        "signatures": signatures_entry(served.functions),
        "omitted_signatures": dict(served.omitted),
        "weight_bytes": served.serving.num_bytes,
        "neurons": _neurons(neurons, timesteps),
        "thresholds": [_threshold(layer) for layer in neurons],
        "evaluation": None if evaluation is None else evaluation.to_dict(),
    }


def signatures_entry(functions: Mapping[str, Concrete]) -> dict[str, Any]:
    """Names, shapes and dtypes of every signature.

    Args:
        functions: Name to function.

    Returns:
        Name to its inputs and outputs; None in a shape: any size.
    """
    found = {}
    for name in sorted(functions):
        arguments, _ = functions[name].structured_input_signature
        outputs = functions[name].structured_outputs
        found[name] = {
            "inputs": {spec.name: _spec(spec) for spec in arguments},
            "outputs": {key: _spec(outputs[key]) for key in sorted(outputs)},
        }
    return found


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
        models: A `CalibrationResult`, or T to models of unknown origin. What
            is known beyond the calibration (files, data, command) is read from
            an attribute `provenance`, a dict, where there is one.

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
        "provenance": getattr(models, "provenance", None),
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
    return {name: _sha256(file) for name, file in _files(folder).items()}


def total_bytes(folder: pathlib.Path) -> int:
    """Size on disk of the files that `digests` lists."""
    return sum(file.stat().st_size for file in _files(folder).values())


def _files(folder: pathlib.Path) -> dict[str, pathlib.Path]:
    found = {}
    for file in sorted(folder.rglob("*")):
        name = file.relative_to(folder).as_posix()
        if file.is_file() and name != f"{EXTRA}/{MANIFEST}":
            found[name] = file
    return found


def _sha256(file: pathlib.Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as content:
        while block := content.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
