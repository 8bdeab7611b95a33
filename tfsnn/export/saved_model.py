"""Writes one SavedModel per T, in the layout of TensorFlow Serving."""

import dataclasses
import os
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

import keras
import numpy as np

from tfsnn.calibration import CalibrationResult
from tfsnn.conversion.timetable import timesteps_of
from tfsnn.errors import ExportError
from tfsnn.inputs import Images
from tfsnn.progress import progress_bar

from .image_decoding import ImageDecoding
from .manifest import model_entry, origin
from .publication import Version, find_place, publish
from .signatures import ServedModel, served_model
from .versions import label_of, version_of

Models = CalibrationResult | keras.Model | Mapping[int, keras.Model]


@dataclasses.dataclass(frozen=True, eq=False)
class ExportRecord:
    """What was exported.

    Attributes:
        path: The export folder.
        manifest: Content of its manifest.
        served: T to what was saved of it.
    """

    path: pathlib.Path
    manifest: dict[str, Any]
    served: Mapping[int, ServedModel]

    @property
    def timesteps(self) -> tuple[int, ...]:
        """Every T, ascending."""
        return tuple(self.served)

    @property
    def versions(self) -> dict[int, int]:
        """T to the version it was written as."""
        revision = self.manifest["revision"]
        return {T: version_of(revision, T) for T in self.timesteps}

    def expected(self, images: Images) -> dict[int, dict[str, np.ndarray]]:
        """What the saved models have to give, for `reload_check`.

        Computed here, by the functions from before they were saved: the same
        graph on the same machine and batch gives the same bits, which an eager
        run of the Keras model does not (TensorFlow fuses operations in
        graphs).

        Args:
            images: `[B, ...]`; of several inputs a tuple.

        Returns:
            T to output name to array `[B, ...]`.
        """
        return {T: one.serving(images) for T, one in self.served.items()}

    def to_dict(self) -> dict[str, Any]:
        """Plain types."""
        return {"path": str(self.path), "manifest": self.manifest}


def export_saved_model(
    result: Models,
    path: str | os.PathLike,
    *,
    evaluations: Mapping[int, Any] | None = None,
    name: str | None = None,
    decoding: ImageDecoding | None = None,
    overwrite: bool = False,
    revise: bool = False,
) -> ExportRecord:
    """Exports calibrated networks for TensorFlow Serving, all or nothing.

    Written are `PATH/VERSION/` with a SavedModel for each T, and beside them
    `manifest.json`, `models.config` with a label for each T (`t8`),
    `batching.config`, `compose.yaml`, and `README.md`. The version number is
    `revision * 100000 + T`.

    A SavedModel has these signatures, each with `images` float32 `[B, ...]`,
    any B, or for several inputs each of them by its name:

    - `serving_default`: to `logits` `[B, ...]`, averaged over time, to
      `probabilities` if the network ends in a softmax or sigmoid, and to
      `classes` int64 `[B]` if it is a classifier;
    - `trace`: to `logits` `[B, T, ...]` after every step, see
      `trace_function`;
    - `anytime`: with `confidence` and `max_steps` `[B]`, to what each image
      gives when it is sure enough, see `anytime_function`;
    - `serialized`, with `decoding`: `serialized` `[B]`, JPEG or PNG files, to
      what `serving_default` gives.

    The manifest says which of these a network cannot have, and why. It holds
    no state: potentials start afresh at every call. It loads with plain
    TensorFlow. T up to 128 is computed at once, more step by step, in memory
    that does not grow with T. A two-phase network is exported as spike counts
    without a loop.

    Weights are kept as variables, not frozen into the graph: a graph file may
    not exceed 2 GB, and is read, checked and compared as a whole. All
    signatures read the same ones. The same networks give the same bytes.

    Args:
        result: What `calibrate` returns, a spiking model, or T to models.
        path: Folder to write; missing parents are made.
        evaluations: T to what is known of its accuracy, objects with
            `to_dict()`, for the manifest.
        name: Name of the network for servers and clients; the folder's if
            None.
        decoding: How image files become images; None: no `serialized`.
        overwrite: Whether an earlier export at `path` may be replaced, as a
            whole. It stays in place until the new one is complete.
        revise: Whether an earlier export at `path` gets a further revision, to
            which the labels move; the revision before stays, so that a running
            server changes over without a gap, and older ones are removed.

    Returns:
        What was exported.

    Raises:
        ConversionError: If a model is no spiking model.
        ExportError: If models, evaluations, name or path do not fit, or if
            writing fails; then nothing is left behind and an earlier export
            is kept.
        ModelFileError: If the export to be revised has no sound manifest.
        TypeError: If a model is not a Keras model.
    """
    place = find_place(path, name, overwrite=overwrite, revise=revise)
    models = by_timesteps(result)
    evaluations = checked_evaluations(evaluations, models)
    served = {
        T: served_model(model, decoding=decoding) for T, model in told(models)
    }
    versions = []
    for T, model in models.items():
        number = version_of(place.revision, T)
        entry = {
            "version": number,
            "revision": place.revision,
            "label": label_of(T),
            **model_entry(T, model, served[T], evaluations.get(T)),
            "decoding": None if decoding is None else decoding.to_dict(),
        }
        functions = dict(served[T].functions)
        pool = served[T].serving.pool
        versions.append(Version(number, label_of(T), functions, pool, entry))
    about = origin(result if isinstance(result, Mapping) else models)
    manifest = publish(place, versions, about)
    return ExportRecord(place.path, manifest, served)


def told(models: Mapping[int, keras.Model]) -> Iterator[tuple]:
    """Goes over models, and says how far the tracing of their graphs is.

    Args:
        models: T to model.

    Yields:
        T and model.
    """
    with progress_bar(
        len(models), description="tracing", unit="model", shown=None
    ) as bar:
        for timesteps, model in models.items():
            yield timesteps, model
            bar.update(note=f"T={timesteps}")


def by_timesteps(result: Models) -> dict[int, keras.Model]:
    """The models by T, ascending, each checked to have that T.

    Args:
        result: See `export_saved_model`.

    Returns:
        T to model.

    Raises:
        ConversionError: If a model is no spiking model.
        ExportError: If there is none, or one is under another T.
        TypeError: If a model is not a Keras model.
    """
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


def checked_evaluations(
    evaluations: Mapping[int, Any] | None, models: Mapping[int, keras.Model]
) -> Mapping[int, Any]:
    """What is known of the accuracy of some of the models.

    Args:
        evaluations: T to evaluation, or None.
        models: T to model.

    Returns:
        T to evaluation.

    Raises:
        ExportError: If there is one of a T that is not exported.
    """
    evaluations = dict(evaluations or {})
    unknown = sorted(set(evaluations) - set(models))
    if unknown:
        raise ExportError(
            f"evaluations are given for T={unknown}, which is not exported."
            f" Supported: {sorted(models)}. Leave the others out."
        )
    return evaluations
