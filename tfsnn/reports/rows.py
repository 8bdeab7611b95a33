"""From records of runs to the rows of a report, plain types throughout.

What comes out is the JSON form of a report; see docs/reports.md for its
schema. HTML and text only say the same in another way.
"""

from collections.abc import Sequence
from typing import Any

from tfsnn.errors import ReportError

from .pareto import on_front
from .run import Run

REPORT_SCHEMA = "tfsnn.report/1"
FRONTS = {
    "pareto": ("latency_steps", "spiking_joules"),
    "pareto_latency": ("latency_steps",),
    "pareto_energy": ("spiking_joules",),
}
"""Entry of a row to the costs against which its accuracy is held."""


def build_report(runs: Sequence[Run]) -> dict[str, Any]:
    """Puts runs side by side.

    Args:
        runs: At least one, with names that differ.

    Returns:
        `schema`; `runs`, one entry a run with its points; and `overview`, one
        row a run and T.

    Raises:
        ReportError: If there are no runs.
    """
    if not runs:
        raise ReportError(
            "Received no runs. Supported: one and more. Name folders written"
            " by tfsnn evaluate --output=DIR."
        )
    entries = [
        _run(run, name) for run, name in zip(runs, _distinct(runs), strict=True)
    ]
    overview = [
        {"run": entry["name"], **point["summary"]}
        for entry in entries
        for point in entry["points"]
    ]
    for name, costs in FRONTS.items():
        best = on_front(overview, *costs)
        for row, is_best in zip(overview, best, strict=True):
            row[name] = is_best
    return {"schema": REPORT_SCHEMA, "runs": entries, "overview": overview}


def _distinct(runs):
    """Names of the runs; equal ones get a number."""
    names, seen = [], {}
    for run in runs:
        seen[run.name] = seen.get(run.name, 0) + 1
        number = f" ({seen[run.name]})" if seen[run.name] > 1 else ""
        names.append(run.name + number)
    return names


def _run(run, name):
    record = run.record
    calibration = record["calibration"]
    return {
        "name": name,
        "commands": [
            command
            for command in (
                calibration and calibration.get("command"),
                record.get("command"),
            )
            if command
        ],
        "manifest": _manifest(record),
        "points": [_point(record, point) for point in record["points"]],
        "steps": _steps(calibration),
        "thresholds": record["thresholds"],
    }


def _manifest(record):
    """What one needs to know to repeat a run, as pairs of texts."""
    calibration = record["calibration"] or {}
    pairs = {
        "model": record.get("model"),
        "reference": record.get("reference"),
        "data": record.get("data"),
        "preprocessing": record.get("preprocessing"),
        "pipeline": (calibration.get("pipeline") or {}).get("name"),
        "conversion": calibration.get("conversion"),
        "lag": calibration.get("lag"),
        "calibration data": calibration.get("data"),
        "calibration images": calibration.get("num_images"),
        "digest of the calibration images": calibration.get("digest"),
        "calibration seed": calibration.get("seed"),
        "calibration seconds": calibration.get("seconds"),
        "machine": record.get("machine"),
    }
    pairs |= {
        f"SHA-256 of {name}": digest
        for name, digest in (record.get("sha256") or {}).items()
    }
    pairs |= {
        f"version of {name}": version
        for name, version in (record.get("versions") or {}).items()
    }
    return {key: value for key, value in pairs.items() if value is not None}


def _point(record, point):
    evaluation, diagnosis = point["evaluation"], point["diagnosis"]
    return {
        "timesteps": point["timesteps"],
        "summary": _summary(record, point),
        "explanation": diagnosis and diagnosis["explanation"],
        "layers": _layers(evaluation or {}, diagnosis or {}),
        "accuracy_at": evaluation and evaluation["accuracy_at"],
        "agreement_at": evaluation and evaluation["agreement_at"],
        "energy": _cost(evaluation, "energy"),
        "memory": _cost(evaluation, "memory"),
        "assumptions": _cost(evaluation, "assumptions"),
        "neurons": point["neurons"],
        "rasters": point["rasters"],
    }


def _cost(evaluation, name):
    cost = (evaluation or {}).get("cost")
    return cost and cost[name]


def _summary(record, point):
    """One row of the overview."""
    found = point["evaluation"] or {}
    diagnosis = point["diagnosis"] or {}
    pipeline = (record["calibration"] or {}).get("pipeline") or {}
    energy = (_cost(found, "energy") or [{}])[0]
    accuracy = found.get("accuracy")
    reference = found.get("reference_accuracy")
    known = accuracy is not None and reference is not None
    return {
        "timesteps": point["timesteps"],
        "pipeline": pipeline.get("name"),
        "neuron": found.get("neuron"),
        "lag": found.get("lag"),
        "latency_steps": found.get("latency_steps"),
        "data": record.get("data"),
        "num_images": found.get("num_images"),
        "accuracy": accuracy,
        "reference_accuracy": reference,
        "drop": reference - accuracy if known else None,
        "agreement": found.get("agreement"),
        "mean_firing_rate": found.get("mean_firing_rate"),
        "spiking_joules": energy.get("spiking_joules"),
        "energy_ratio": energy.get("ratio"),
        "logit_error": diagnosis.get("logit_error"),
        "correlation": diagnosis.get("correlation"),
        "seconds": found.get("seconds"),
    }


def _layers(evaluation, diagnosis):
    """Activity, cost and errors of each layer, joined by name."""
    rows: dict[str, dict] = {}
    for one in evaluation.get("activity") or ():
        rows.setdefault(one["name"], {}).update(
            firing_rate=one["rate"],
            dead_channels=len(one["dead_channels"]),
            saturated_channels=len(one["saturated_channels"]),
            num_channels=one["num_channels"],
            num_neurons=one["num_neurons"],
            histogram=one["histogram"],
        )
    for one in (evaluation.get("cost") or {}).get("layers", ()):
        rows.setdefault(one["name"], {}).update(
            analog_macs=one["analog_macs"],
            macs=one["macs"],
            accumulates=one["accumulates"],
            neuron_updates=one["neuron_updates"],
        )
    for one in diagnosis.get("layers", ()):
        rows.setdefault(one["name"], {}).update(
            {key: value for key, value in one.items() if key != "name"}
        )
    return [{"name": name, **row} for name, row in rows.items()]


def _steps(calibration):
    """What calibration tried, one row a segment, T and step."""
    if calibration is None:
        return []
    names = (
        "segment",
        "timesteps",
        "strategy",
        "error_before",
        "error_after",
        "accepted",
        "seconds",
        "contributions",
    )
    return [
        {name: step.get(name) for name in names}
        for step in calibration["steps"]
    ]
