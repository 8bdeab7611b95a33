"""A run: a folder that `tfsnn calibrate` or `tfsnn evaluate` wrote."""

import dataclasses
import json
import os
import pathlib
from typing import Any

from tfsnn.errors import ReportError
from tfsnn.evaluation import Diagnosis, Evaluation

EVALUATION = "evaluation.json"
CALIBRATION = "calibration.json"
EVALUATION_SCHEMA = "tfsnn.evaluation/1"
SUPPORTED = (
    "Supported: folders written by tfsnn evaluate --output=DIR, or by tfsnn"
    " calibrate"
)
POINT = {"timesteps", "evaluation", "diagnosis", "neurons", "rasters"}
THRESHOLDS = {"layer", "timesteps", "maximum", "percentile", "mmse"}
NEURON = {"layer", "timesteps", "threshold", "initial_potential", "bias"}
RASTER = {"layer", "neurons", "steps", "spikes"}
STEP = {"segment", "timesteps", "strategy", "error_before", "error_after"}
"""Entries that are read, of each kind of row."""


@dataclasses.dataclass(frozen=True)
class Run:
    """What is on record about a run.

    Attributes:
        name: Name of the folder.
        record: What evaluation.json holds; of a folder that was calibrated
            only, an evaluation record without measurements.
    """

    name: str
    record: dict[str, Any]


def read_run(path: str | os.PathLike) -> Run:
    """Reads a run.

    Args:
        path: Its folder.

    Returns:
        The run.

    Raises:
        ReportError: If it is no such folder, or its record cannot be read.
    """
    path = pathlib.Path(path)
    if not path.is_dir():
        what = "a file" if path.exists() else "not there"
        raise ReportError(
            f"Received the run '{path}', which is {what}. {SUPPORTED}. Name a"
            " folder."
        )
    name = path.resolve().name
    if (path / EVALUATION).is_file():
        record = _read(path / EVALUATION)
        _check(path / EVALUATION, record)
        return Run(name, record)
    if (path / CALIBRATION).is_file():
        calibration = _read(path / CALIBRATION)
        return Run(name, _unmeasured(path / CALIBRATION, calibration))
    raise ReportError(
        f"Received the run '{path}', which holds neither {EVALUATION} nor"
        f" {CALIBRATION}. {SUPPORTED}. Check the path."
    )


def _unmeasured(path, calibration):
    """An evaluation record of models that nobody has evaluated."""
    _check_calibration(path, calibration)
    return {
        "schema": EVALUATION_SCHEMA,
        "command": None,
        "versions": calibration.get("versions", {}),
        "machine": None,
        "model": calibration.get("model"),
        "reference": None,
        "sha256": {calibration.get("model"): calibration.get("model_sha256")},
        "data": None,
        "preprocessing": calibration.get("preprocessing"),
        "seed": calibration["seed"],
        "calibration": calibration,
        "thresholds": None,
        "points": [
            {
                "timesteps": timesteps,
                "evaluation": None,
                "diagnosis": None,
                "neurons": None,
                "rasters": None,
            }
            for timesteps in calibration["timesteps"]
        ],
    }


def _read(path):
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _unreadable(path, f"{type(error).__name__}: {error}") from error


def _check(path, record):
    schema = record.get("schema") if isinstance(record, dict) else None
    if schema != EVALUATION_SCHEMA:
        raise _unreadable(
            path, f"its schema is {schema!r}, not '{EVALUATION_SCHEMA}'"
        )
    missing = {"points", "calibration", "thresholds"} - record.keys()
    if missing or not record["points"]:
        raise _unreadable(path, f"it lacks {sorted(missing) or 'points'}")
    if record["calibration"] is not None:
        _check_calibration(path, record["calibration"])
    _check_rows(path, "points", record["points"], POINT)
    _check_rows(path, "thresholds", record["thresholds"] or [], THRESHOLDS)
    for point in record["points"]:
        _check_measured(path, point)


def _check_rows(path, name, rows, needed):
    """Rows are to be a list of objects with certain entries."""
    if not isinstance(rows, list):
        raise _unreadable(path, f"its '{name}' are no list")
    for row in rows:
        missing = needed - (row.keys() if isinstance(row, dict) else set())
        if missing:
            raise _unreadable(
                path, f"an entry of '{name}' lacks {sorted(missing)}"
            )


def _check_measured(path, point):
    """What `Evaluation` and `Diagnosis` cannot be made of is not theirs."""
    try:
        if point["evaluation"] is not None:
            Evaluation.from_dict(point["evaluation"])
        if point["diagnosis"] is not None:
            Diagnosis.from_dict(point["diagnosis"])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise _unreadable(
            path,
            f"a point at T = {point['timesteps']} is incomplete"
            f" ({type(error).__name__}: {error})",
        ) from error
    _check_rows(path, "neurons", point["neurons"] or [], NEURON)
    _check_rows(path, "rasters", point["rasters"] or [], RASTER)


def _check_calibration(path, calibration):
    needed = {"timesteps", "steps", "pipeline", "seed"}
    known = calibration if isinstance(calibration, dict) else {}
    missing = needed - known.keys()
    if missing:
        raise _unreadable(path, f"it lacks {sorted(missing)}")
    if not isinstance(calibration["pipeline"], dict):
        raise _unreadable(path, "its 'pipeline' is no object")
    _check_rows(path, "steps", calibration["steps"], STEP)


def _unreadable(path, reason):
    return ReportError(
        f"Received '{path}', which cannot be read: {reason}. {SUPPORTED} of"
        " this version. Evaluate again."
    )
