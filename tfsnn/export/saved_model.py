"""Writes one SavedModel per T, in the layout of TensorFlow Serving."""

import dataclasses
import os
import pathlib
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfsnn.calibration import CalibrationResult
from tfsnn.conversion.timetable import timesteps_of
from tfsnn.errors import ExportError

from .canonical import canonical_bytes
from .manifest import (
    EXTRA,
    MANIFEST,
    SIGNATURE,
    digests,
    head,
    model_entry,
    origin,
)
from .manifest_file import is_export, read_manifest, write_manifest
from .new_folder import check_new_folder, new_folder
from .serving_function import ServingFunction, serving_function

Models = CalibrationResult | keras.Model | Mapping[int, keras.Model]


@dataclasses.dataclass(frozen=True, eq=False)
class ExportRecord:
    """What was exported.

    Attributes:
        path: The export folder.
        manifest: Content of its manifest.
        functions: T to the function that was saved.
    """

    path: pathlib.Path
    manifest: dict[str, Any]
    functions: Mapping[int, ServingFunction]

    @property
    def timesteps(self) -> tuple[int, ...]:
        """Every T, which are the versions, ascending."""
        return tuple(self.functions)

    def expected(self, images: np.ndarray) -> dict[int, dict[str, np.ndarray]]:
        """What the saved models have to give, for `reload_check`.

        Computed here, by the functions from before they were saved: the same
        graph on the same machine and batch gives the same bits, which an eager
        run of the Keras model does not (TensorFlow fuses operations in
        graphs).

        Args:
            images: `[B, ...]`.

        Returns:
            T to output name to array `[B, ...]`.
        """
        return {T: serve(images) for T, serve in self.functions.items()}

    def to_dict(self) -> dict[str, Any]:
        """Plain types."""
        return {"path": str(self.path), "manifest": self.manifest}


def export_saved_model(
    result: Models,
    path: str | os.PathLike,
    *,
    evaluations: Mapping[int, Any] | None = None,
    name: str | None = None,
    overwrite: bool = False,
) -> ExportRecord:
    """Exports calibrated networks for TensorFlow Serving, all or nothing.

    Written are `PATH/VERSION/` with a SavedModel for each T, `PATH/VERSION/
    assets.extra/manifest.json`, and `PATH/manifest.json` about all of them.
    The version number is T, so that Serving, which offers the highest version
    unless told otherwise, offers the largest T.

    A SavedModel has one signature, `serving_default`: `images` float32
    `[B, ...]`, any B, to `logits` `[B, ...]`, averaged over time, and to
    `probabilities` if the network ends in a softmax or sigmoid. It holds no
    state: potentials start afresh at every call. It loads with plain
    TensorFlow. T up to 128 is computed at once, more step by step, in memory
    that does not grow with T. A two-phase network is exported as spike counts
    without a loop.

    Weights are kept as variables, not frozen into the graph: a graph file may
    not exceed 2 GB, and is read, checked and compared as a whole. Only what
    inference reads is saved. The same networks give the same bytes.

    Args:
        result: What `calibrate` returns, a spiking model, or T to models.
        path: Folder to write; missing parents are made.
        evaluations: T to what is known of its accuracy, objects with
            `to_dict()`, for the manifest.
        name: Name of the network in the manifest; the folder's if None.
        overwrite: Whether an earlier export at `path` may be replaced, as a
            whole. It stays in place until the new one is complete.

    Returns:
        What was exported.

    Raises:
        ConversionError: If a model is no spiking model.
        ExportError: If models, evaluations or path do not fit, or if writing
            fails; then nothing is left behind and an earlier export is kept.
        TypeError: If a model is not a Keras model.
    """
    place = {"overwrite": overwrite, "is_ours": is_export}
    target = check_new_folder(path, **place)
    models = _by_timesteps(result)
    evaluations = _checked_evaluations(evaluations, models)
    functions = {T: serving_function(model) for T, model in models.items()}
    first = head(name or target.name)
    about = origin(result if isinstance(result, Mapping) else models)
    entries = [
        model_entry(T, model, functions[T], evaluations.get(T))
        for T, model in models.items()
    ]
    needed = sum(serving.num_bytes for serving in functions.values())
    with new_folder(target, needed_bytes=needed, **place) as folder:
        for entry in entries:
            version = folder / str(entry["version"])
            _save(functions[entry["timesteps"]], version)
            entry["files"] = digests(version)
            write_manifest(
                version / EXTRA / MANIFEST, {**first, **entry, **about}
            )
        write_manifest(folder / MANIFEST, {**first, "models": entries, **about})
        manifest = read_manifest(folder)
    return ExportRecord(target, manifest, functions)


def _by_timesteps(result: Models) -> dict[int, keras.Model]:
    """The models by T, ascending, each checked to have that T."""
    if not isinstance(result, Mapping):
        return {_timesteps(result): result}
    if not result:
        raise ExportError(
            "There is no model to export: the mapping is empty. Supported: at"
            " least one T. Calibrate with for example timesteps=[8, 16, 32]."
        )
    models = {}
    for timesteps in sorted(result):
        models[timesteps] = result[timesteps]
        own = _timesteps(models[timesteps])
        if own != timesteps:
            raise ExportError(
                f"The model given for T={timesteps} runs {own} steps."
                " Supported: each model under its own T. Correct the mapping."
            )
    return models


def _timesteps(model: keras.Model) -> int:
    if isinstance(model, keras.Model):
        return timesteps_of(model)
    raise TypeError(
        f"An export received a {type(model).__name__}. Supported: what"
        " tfsnn.calibrate returns, a spiking keras.Model, or a mapping from T"
        " to such models. Pass one of these."
    )


def _checked_evaluations(evaluations, models) -> Mapping[int, Any]:
    evaluations = dict(evaluations or {})
    unknown = sorted(set(evaluations) - set(models))
    if unknown:
        raise ExportError(
            f"evaluations are given for T={unknown}, which is not exported."
            f" Supported: {sorted(models)}. Leave the others out."
        )
    return evaluations


def _save(serving: ServingFunction, folder: pathlib.Path) -> None:
    """Writes one SavedModel, in bytes that depend on the model only."""
    module = tf.Module()
    module.weights = list(serving.variables)
    tf.saved_model.save(
        module, str(folder), signatures={SIGNATURE: serving.function}
    )
    graph = folder / "saved_model.pb"
    graph.write_bytes(canonical_bytes(graph.read_bytes()))
    # It holds a random number, and the digest of the graph as it was; the
    # manifest has the digests. TensorFlow loads models without one.
    (folder / "fingerprint.pb").unlink(missing_ok=True)
