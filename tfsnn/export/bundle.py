"""Writes one SavedModel for several T; what they share is stored once."""

import os
from collections.abc import Mapping
from typing import Any

from tfsnn.errors import ExportError
from tfsnn.inputs import input_shapes

from .image_decoding import ImageDecoding
from .manifest import model_entry, origin, signatures_entry
from .publication import Place, Version, find_place, publish
from .saved_model import (
    ExportRecord,
    Models,
    by_timesteps,
    checked_evaluations,
    told,
)
from .signatures import DEFAULT, ServedModel, served_model
from .versions import BUNDLE, label_of, version_of
from .weight_pool import WeightPool

MEMBER = (
    "timesteps",
    "lag",
    "latency_steps",
    "execution",
    "omitted_signatures",
    "neurons",
    "thresholds",
    "evaluation",
)


def export_bundle(
    result: Models,
    path: str | os.PathLike,
    *,
    evaluations: Mapping[int, Any] | None = None,
    name: str | None = None,
    decoding: ImageDecoding | None = None,
    overwrite: bool = False,
    revise: bool = False,
) -> ExportRecord:
    """Exports calibrated networks as one SavedModel, all or nothing.

    Variables that are equal for several T are stored once: with pipelines that
    set thresholds, potentials and biases only, all of the weights. What differs
    is stored for each T. Signatures are `t8`, `t16`, ... (each what
    `serving_default` is of one T), `t8_trace`, `t8_anytime` and the like, and
    `serving_default`, that of the largest T. The version is
    `revision * 100000`, its label `bundle`; everything else is as
    `export_saved_model` writes it.

    Args:
        result: See `export_saved_model`.
        path: See there.
        evaluations: See there.
        name: See there.
        decoding: See there.
        overwrite: See there.
        revise: See there.

    Returns:
        What was exported.

    Raises:
        ConversionError: If a model is no spiking model.
        ExportError: See `export_saved_model`.
        ModelFileError: See there.
        TypeError: If a model is not a Keras model.
    """
    place = find_place(path, name, overwrite=overwrite, revise=revise)
    models = by_timesteps(result)
    evaluations = checked_evaluations(evaluations, models)
    _check_alike(models)
    pool = WeightPool()
    served = {
        T: served_model(model, pool=pool, decoding=decoding)
        for T, model in told(models)
    }
    entries = {
        T: model_entry(T, model, served[T], evaluations.get(T))
        for T, model in models.items()
    }
    version = _version(place, served, entries, pool)
    version.entry["decoding"] = None if decoding is None else decoding.to_dict()
    about = origin(result if isinstance(result, Mapping) else models)
    return ExportRecord(place.path, publish(place, [version], about), served)


def _check_alike(models) -> None:
    shapes = {T: input_shapes(model) for T, model in models.items()}
    first, *others = shapes.values()
    if any(other != first for other in others):
        raise ExportError(
            f"The models take images of several shapes: {shapes}. Supported for"
            " a bundle: one network at several T. Export them one by one."
        )


def _version(
    place: Place,
    served: Mapping[int, ServedModel],
    entries: Mapping[int, dict[str, Any]],
    pool: WeightPool,
) -> Version:
    """All of them as one version."""
    functions = {}
    for T, one in served.items():
        for signature, function in one.functions.items():
            suffix = "" if signature == DEFAULT else f"_{signature}"
            functions[label_of(T) + suffix] = function
    largest = max(served)
    functions[DEFAULT] = served[largest].functions[DEFAULT]
    number = version_of(place.revision)
    entry = {
        "version": number,
        "revision": place.revision,
        "label": BUNDLE,
        "timesteps": largest,
        "signatures": signatures_entry(functions),
        "weight_bytes": pool.num_bytes,
        "members": [
            {
                "signature": label_of(T),
                **{key: entries[T][key] for key in MEMBER},
            }
            for T in served
        ],
    }
    return Version(number, BUNDLE, functions, pool, entry)
