"""What `tfsnn evaluate --output` writes: evaluation.json, a run to report."""

import json
import pathlib
from collections.abc import Mapping
from typing import Any

import keras
from absl import flags

import tfsnn
from tfsnn.errors import ConversionError
from tfsnn.evaluation import neuron_samples, spike_rasters, threshold_curves
from tfsnn.evaluation.first_images import first_images
from tfsnn.inputs import input_shapes
from tfsnn.reports import EVALUATION as RECORD
from tfsnn.reports import EVALUATION_SCHEMA
from tfsnn_tools import (
    command_line,
    flag_groups,
    model_files,
    quiet_start,
    run_log,
    stored_calibration,
)


def models_of(path: str) -> Mapping[Any, keras.Model]:
    """The models to evaluate.

    Args:
        path: A folder that `tfsnn calibrate` wrote, or a file.

    Returns:
        T to model; for a network that does not spike, None to it.

    Raises:
        ModelFileError: If it is neither.
    """
    place = pathlib.Path(path)
    if place.is_dir() and (place / stored_calibration.RECORD).is_file():
        return stored_calibration.read(place)
    model = model_files.load_keras_model(place)
    if stored_calibration.timesteps_of(model) is None:
        return {None: model}
    return stored_calibration.read(place)


def conversion_of(
    models: Mapping[Any, keras.Model], reference: keras.Model | None
) -> tfsnn.Conversion | None:
    """The source, converted with the options that are on record.

    Args:
        models: As `models_of` gives them.
        reference: The source, or None.

    Returns:
        None where there is no source or nothing that spikes; with a note,
        where the source does not convert.
    """
    if reference is None or None in models:
        return None
    stored = getattr(models, "conversion", None)
    try:
        return tfsnn.convert(reference, config=stored and stored.config)
    except ConversionError as error:
        run_log.note(f"Not diagnosed: {error}")
        return None


def diagnosis_of(
    model: keras.Model,
    labelled: Any,
    conversion: tfsnn.Conversion,
    **options: Any,
) -> tfsnn.Diagnosis | None:
    """A diagnosis; None, with a note why, where there can be none."""
    try:
        return tfsnn.diagnose(model, labelled, reference=conversion, **options)
    except ConversionError as error:
        run_log.note(f"Not diagnosed: {error}")
        return None


def record_of(
    options: flags.FlagValues,
    argv: list[str],
    points: list[dict[str, Any]],
    *,
    models: Mapping[Any, keras.Model],
    conversion: tfsnn.Conversion | None,
    labelled: Any,
) -> dict[str, Any]:
    """Everything about a run, plain types; see docs/reports.md.

    Args:
        options: Parsed flags.
        argv: The command line.
        points: Evaluation and diagnosis of each model, in their order.
        models: What was evaluated.
        conversion: The source, converted, or None.
        labelled: Preprocessed images and labels, as evaluated.

    Returns:
        What goes into evaluation.json.
    """
    rows = []
    for model, point in zip(models.values(), points, strict=True):
        evaluation, diagnosis = point["evaluation"], point["diagnosis"]
        spiking = evaluation.timesteps is not None
        rows.append(
            {
                "timesteps": evaluation.timesteps,
                "evaluation": evaluation.to_dict(),
                "diagnosis": diagnosis and diagnosis.to_dict(),
                "neurons": neuron_samples(model) if spiking else None,
                "rasters": _rasters(model, labelled)
                if spiking and options.rasters
                else None,
            }
        )
    thresholds = None
    if conversion is not None:
        thresholds = threshold_curves(conversion, labelled)
    return {
        "schema": EVALUATION_SCHEMA,
        "command": command_line.as_typed(argv),
        "versions": quiet_start.versions(),
        "machine": quiet_start.machine(),
        "model": options.model,
        "reference": options.reference,
        "sha256": _digests(options, models),
        "data": options.data,
        "preprocessing": flag_groups.preprocessing(options).describe(),
        "seed": options.seed,
        "calibration": _calibration(options.model),
        "thresholds": thresholds,
        "points": rows,
    }


def write(record: dict[str, Any], folder: pathlib.Path) -> None:
    """Writes evaluation.json.

    Args:
        record: What `record_of` gave.
        folder: An existing folder.
    """
    text = json.dumps(record, indent=1, allow_nan=False)
    (folder / RECORD).write_text(f"{text}\n", encoding="utf-8")


def _rasters(model, labelled):
    try:
        image = first_images(
            labelled, input_shape=input_shapes(model), num_images=1
        )
        return spike_rasters(model, image)
    except ConversionError as error:
        run_log.note(f"No rasters: {error}")
        return None


def _digests(options, models):
    """SHA-256 of every file that was read, by its path."""
    place = pathlib.Path(options.model)
    files = getattr(models, "files", None) or {None: place}
    every = [*files.values()]
    if options.reference:
        every.append(pathlib.Path(options.reference))
    return {str(path): model_files.sha256(path) for path in every}


def _calibration(path):
    """The record beside the models; None where there is none."""
    place = pathlib.Path(path)
    folder = place if place.is_dir() else place.parent
    record = folder / stored_calibration.RECORD
    if not record.is_file():
        return None
    return json.loads(record.read_text(encoding="utf-8"))
