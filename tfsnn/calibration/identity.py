"""What has to be equal for two calibrations to give the same bits."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfsnn.conversion import Conversion
from tfsnn.version import __version__

from .pipeline import Pipeline
from .search import Search

HARMLESS = ("progress", "checkpoint")
"""Fields of a `SweepConfig` that change no result."""


def identity_of(
    conversion: Conversion,
    *,
    pipeline: Pipeline | Search,
    options: Mapping[str, Any],
    timesteps: list[int],
    digest: str,
    seed: int,
) -> dict[str, Any]:
    """Everything the parameters of a calibration depend on.

    Args:
        conversion: What is calibrated.
        pipeline: How.
        options: Fields of its `SweepConfig`; those that change no result are
            left out.
        timesteps: Every T; their order does not count.
        digest: SHA-256 of the images, 64 hexadecimal digits.
        seed: Seed of the sample and of the held-out split.

    Returns:
        A name for each part to its value, as JSON gives it back; models and
        images as 64 hexadecimal digits.
    """
    identity = {
        "model": _digest_of(conversion.analog),
        "data": digest,
        "timesteps": sorted(timesteps),
        "pipeline": pipeline.to_dict(),
        "conversion": conversion.config.to_dict(),
        "seed": seed,
        **{k: v for k, v in options.items() if k not in HARMLESS},
        "versions": {
            "tfsnn": __version__,
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
            "numpy": np.__version__,
        },
    }
    return json.loads(json.dumps(identity, default=_plain))


def differences(there: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """Names the parts of two identities that differ.

    Args:
        there: The identity that was stored.
        here: The present one.

    Returns:
        A text for each part, with both values where they can be read.
    """
    names = dict.fromkeys([*here, *there])
    return [
        _difference(name, there.get(name), here.get(name))
        for name in names
        if there.get(name) != here.get(name)
    ]


def _digest_of(model: keras.Model) -> str:
    """SHA-256 of layers, options, connections, names and weights."""
    digest = hashlib.sha256(model.to_json(sort_keys=True).encode())
    for value in model.get_weights():
        digest.update(f"{value.shape} {value.dtype} ".encode())
        digest.update(np.ascontiguousarray(value).tobytes())
    return digest.hexdigest()


def _plain(value):
    """Hyper-parameters of a caller's own strategies."""
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    return repr(value)


def _difference(name, there, here):
    if name in ("model", "data"):
        return name
    if isinstance(there, dict) and isinstance(here, dict):
        keys = [key for key in here if there.get(key) != here[key]]
        # Lists of steps are long; the name of their pipeline tells enough.
        keys = [key for key in keys if not isinstance(here[key], list)]
        if not keys:
            return f"{name} (other steps or hyper-parameters)"
        there = {key: there.get(key) for key in keys}
        here = {key: here[key] for key in keys}
    return f"{name} ({there} there, {here} now)"
