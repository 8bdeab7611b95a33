"""A picture of the segment graph."""

import os
import pathlib

from tfsnn.errors import ConversionError
from tfsnn.graph.segments import is_input

from .survey import SegmentRow, Survey

_COLOURS = {"neuron": "#4c8fd6", "junction": "#c9a227", "readout": "#3fa34d"}
_INPUT_COLOUR = "#7f8c8d"
Place = tuple[float, float]


def draw_segments(survey: Survey, path: str | os.PathLike) -> pathlib.Path:
    """Writes a picture: a dot for each segment, a line for what it reads.

    Args:
        survey: Of a model that converts.
        path: New file; its suffix names the format: .svg, .png or .pdf.

    Returns:
        The path.

    Raises:
        ConversionError: If the model does not convert, the suffix is another,
            or matplotlib is not installed.
    """
    path = pathlib.Path(path)
    if not survey.segments:
        raise ConversionError(
            f"Model '{survey.findings.model}' does not convert, so it has no"
            " segments to draw. Supported: models without findings. Follow the"
            " remedies first."
        )
    if path.suffix not in (".svg", ".png", ".pdf"):
        raise ConversionError(
            f"Received the picture file '{path}'. Supported: .svg, .png, .pdf."
            " Name it so."
        )
    figure = _figure(survey)
    temporary = path.with_name(f".{path.stem}.part{path.suffix}")
    try:
        figure.savefig(temporary, bbox_inches="tight")
        temporary.replace(path)
    except OSError as error:
        raise ConversionError(
            f"The picture '{path}' cannot be written: {error}. Supported: files"
            " in a folder that exists. Check the path."
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
    return path


def places(segments: tuple[SegmentRow, ...]) -> dict[str, Place]:
    """Where each segment stands: rank downwards, those of a rank in a row.

    Args:
        segments: In topological order.

    Returns:
        Name to (column, rank); inputs have rank 0, every other segment is one
        below the lowest of its sources.
    """
    read = (source for segment in segments for source in segment.sources)
    ranks = {source: 0 for source in read if is_input(source)}
    for segment in segments:
        above = (ranks[source] for source in segment.sources)
        ranks[segment.name] = 1 + max(above, default=0)
    rows: dict[int, list[str]] = {}
    for name, rank in ranks.items():
        rows.setdefault(rank, []).append(name)
    return {
        name: (number - (len(row) - 1) / 2, float(rank))
        for rank, row in rows.items()
        for number, name in enumerate(row)
    }


def _figure(survey):
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ConversionError(
            "matplotlib is not installed, which draws the segment graph."
            " Supported: matplotlib 3.8 and later. Install it with"
            " pip install 'tfsnn[plot]'."
        ) from error
    found = places(survey.segments)
    columns, ranks = zip(*found.values(), strict=True)
    width = 3 + 2.6 * (max(columns) - min(columns))
    figure = Figure(figsize=(width, 1.2 + 0.55 * max(ranks)))
    axes = figure.add_subplot()
    axes.set_axis_off()
    axes.set_xlim(min(columns) - 0.5, max(columns) + 0.5)
    axes.set_ylim(max(ranks) + 0.5, -0.5)
    for segment in survey.segments:
        for source in segment.sources:
            _line(axes, found[source], found[segment.name])
    for name, place in found.items():
        _dot(axes, place, name, _INPUT_COLOUR)
    for segment in survey.segments:
        _dot(axes, found[segment.name], _label(segment), _COLOURS[segment.role])
    axes.set_title(survey.findings.model)
    return figure


def _label(segment: SegmentRow) -> str:
    if segment.num_neurons:
        return f"{segment.name} ({segment.num_neurons:,})"
    return segment.name


def _line(axes, start: Place, end: Place) -> None:
    """Lines past other ranks are bent, so that they do not hide behind dots."""
    bend = 0.25 if end[1] - start[1] > 1 else 0.0
    axes.annotate(
        "",
        xy=end,
        xytext=start,
        arrowprops={
            "arrowstyle": "->",
            "color": "#888888",
            "connectionstyle": f"arc3,rad={bend}",
        },
    )


def _dot(axes, place: Place, label: str, colour: str) -> None:
    axes.text(
        *place,
        label,
        ha="center",
        va="center",
        fontsize=8,
        color="white",
        bbox={"boxstyle": "round", "facecolor": colour, "edgecolor": "none"},
    )
