"""A survey for people: what `tfsnn check` prints."""

from collections.abc import Sequence

from .estimate import CALIBRATION_IMAGES, Estimate
from .survey import Survey


def survey_text(survey: Survey) -> str:
    """The findings, a table of operations, the segments, the estimate.

    Args:
        survey: What `survey` returned.

    Returns:
        Text of several lines.
    """
    parts = [str(survey.findings)]
    if survey.operations:
        parts.append(_operations(survey))
    if survey.segments:
        parts.append(_segments(survey))
    if survey.estimate:
        parts.append(_estimate(survey.estimate))
    return "\n\n".join(parts)


def _operations(survey: Survey) -> str:
    rows = [
        (
            row.name,
            row.kind,
            row.fate + _suffix(row),
            " x ".join(str(axis or "?") for axis in row.shape),
            f"{row.num_parameters:,}",
        )
        for row in survey.operations
    ]
    total = f"{survey.num_parameters:,} parameters"
    if survey.segments:
        total += f", {_number(survey.num_neurons)} neurons"
    header = ("operation", "kind", "becomes", "output", "parameters")
    return f"{_table(header, rows)}\n{total}"


def _suffix(row) -> str:
    if not row.into:
        return ""
    if row.fate == "folded":
        return f" into {row.into}"
    if row.fate == "neuron pool":
        return f" {row.into}"
    return f", ReLU a neuron {row.into}"


def _segments(survey: Survey) -> str:
    rows = [
        (
            row.name,
            row.role,
            ", ".join(row.sources),
            "" if row.num_neurons == 0 else _number(row.num_neurons),
            f"{row.num_parameters:,}",
        )
        for row in survey.segments
    ]
    header = ("segment", "role", "reads", "neurons", "parameters")
    return _table(header, rows)


def _estimate(found: Estimate) -> str:
    rows = [
        ("weights", _bytes(found.weight_bytes)),
        ("feature maps, all steps at once", _bytes(found.folded_bytes)),
        ("feature maps and state, step by step", _bytes(found.stepping_bytes)),
        ("analog network, measured", _seconds(found.analog_seconds)),
        (
            "spiking, with a time axis",
            _seconds(found.spiking_seconds),
        ),
        ("spiking, two-phase by counts", _seconds(found.count_seconds)),
        (
            f"calibration, light, {CALIBRATION_IMAGES:,} images",
            _seconds(found.calibration_seconds),
        ),
    ]
    header = (f"estimate for one image, T = {found.timesteps}", "")
    return _table(header, rows)


def _number(number: int | None) -> str:
    return "?" if number is None else f"{number:,}"


def _bytes(number: int | None) -> str:
    if number is None:
        return "unknown axes"
    if number < 2**20:
        return f"{number / 2**10:,.1f} KiB"
    return f"{number / 2**20:,.1f} MiB"


def _seconds(number: float) -> str:
    return f"{1000 * number:,.2f} ms" if number < 1 else f"{number:,.1f} s"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their widest cell."""
    widths = [
        max(map(len, column)) for column in zip(header, *rows, strict=True)
    ]
    lines = [header, ["-" * width for width in widths], *rows]
    return "\n".join(
        "  ".join(
            cell.ljust(width) for cell, width in zip(line, widths, strict=True)
        ).rstrip()
        for line in lines
    )
