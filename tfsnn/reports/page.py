"""Renders a report as one HTML file that needs nothing else."""

import importlib.resources
import os
import pathlib
import tempfile
from typing import Any

from tfsnn.errors import ReportError
from tfsnn.progress import progress_bar

from .columns import ENERGY, LAYERS, OVERVIEW, STEPS, cells, used
from .drawing import require
from .layer_figures import (
    bound_figure,
    enters_figure,
    histogram_figure,
    parts_figure,
    rates_figure,
)
from .neuron_figures import (
    rasters_figure,
    response_figure,
    steps_figure,
    thresholds_figure,
)
from .run_figures import MOST_LINES, accuracy_figure, pareto_figure

TEMPLATE = "report.html.j2"
RASTER_STEPS = 128


def write_html(
    report: dict[str, Any],
    path: str | os.PathLike,
    *,
    progress: bool | None = None,
) -> None:
    """Writes a report; the file is whole or not there.

    Args:
        report: What `build_report` returned.
        path: File to write; an existing one is replaced.
        progress: Whether to say how far it is, as in `tfsnn.evaluate`.

    Raises:
        ReportError: If jinja2 or matplotlib is not installed, or the file
            cannot be written.
    """
    write_whole(render(report, progress=progress), path)


def write_whole(text: str, path: str | os.PathLike) -> None:
    """Writes a text file under another name, then renames it.

    Args:
        text: Its content.
        path: File to write.

    Raises:
        ReportError: If it cannot be written.
    """
    path = pathlib.Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=path.parent, delete=False
        ) as file:
            partial = pathlib.Path(file.name)
            try:
                file.write(text)
                file.flush()
                partial.chmod(0o644)
                partial.replace(path)
            except BaseException:
                partial.unlink(missing_ok=True)
                raise
    except OSError as error:
        raise ReportError(
            f"Received the file '{path}', which cannot be written: {error}."
            " Supported: a file in a folder that may be written. Choose"
            " another --output."
        ) from error


def render(report: dict[str, Any], *, progress: bool | None = None) -> str:
    """The HTML of a report.

    Args:
        report: What `build_report` returned.
        progress: See `write_html`.

    Returns:
        A whole document; every text from the outside is escaped.

    Raises:
        ReportError: If jinja2 or matplotlib is not installed.
    """
    jinja2 = require("jinja2")
    environment = jinja2.Environment(
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    source = importlib.resources.files(__package__).joinpath(TEMPLATE)
    template = environment.from_string(source.read_text(encoding="utf-8"))
    runs = report["runs"]
    sections = []
    with progress_bar(
        len(runs), description="drawing", unit="run", shown=progress
    ) as bar:
        for place, run in enumerate(runs):
            sections.append(_run_section(place, run))
            bar.update()
    return template.render(
        overview=_table(OVERVIEW, report["overview"]),
        comparison=_comparison(report),
        runs=sections,
    )


def _table(which, rows):
    """Heads and rows of a table; None where there is nothing to show."""
    if not rows:
        return None
    shown = used(which, rows)
    found = [cells(shown, row) for row in rows]
    return {
        "columns": shown,
        "are_numbers": [
            all(cell.is_number for cell in column)
            for column in zip(*found, strict=True)
        ],
        "rows": found,
    }


def _figures(*pairs):
    """Captions and SVG of those figures that there are."""
    markup = require("markupsafe").Markup
    return [
        {"caption": caption, "svg": markup(svg)}
        for caption, svg in pairs
        if svg is not None
    ]


def _comparison(report):
    several = len(report["runs"]) > 1
    labelled = [
        (_label(run, point, several), point)
        for run in report["runs"]
        for point in run["points"]
    ]
    overview = report["overview"]
    return _figures(
        (
            "Accuracy after every step; dashed: the analog network."
            + _left_out(labelled),
            accuracy_figure(labelled),
        ),
        (
            "Accuracy against energy of the arithmetic, and what nothing"
            " else beats.",
            pareto_figure(overview, "spiking_joules"),
        ),
        (
            "Accuracy against latency, and what nothing else beats.",
            pareto_figure(overview, "latency_steps"),
        ),
    )


def _left_out(labelled):
    count = sum(point["accuracy_at"] is not None for _, point in labelled)
    return f" The first {MOST_LINES} of {count}." if count > MOST_LINES else ""


def _label(run, point, several):
    steps = f"T = {point['timesteps']}" if point["timesteps"] else "ANN"
    return f"{run['name']}, {steps}" if several else steps


def _run_section(place, run):
    points = run["points"]
    deepest = points[-1]
    shown = _with_rasters(points)
    return {
        "anchor": f"run-{place}",
        "name": run["name"],
        "commands": run["commands"],
        "manifest": run["manifest"],
        "explanations": [p["explanation"] for p in points if p["explanation"]],
        "figures": _figures(
            (
                "Where the error of the logits enters.",
                enters_figure(points),
            ),
            (
                "Error of each layer and the bound of Lemma 4.1 (Eq. 12).",
                bound_figure(points),
            ),
            (
                "Firing rate of each layer (Figure 3 of the paper).",
                rates_figure(points),
            ),
            (
                f"Rates of single neurons, {_steps(deepest)}.",
                histogram_figure(deepest),
            ),
            (
                "Answer of an analog and of a spiking neuron (Figure 1).",
                response_figure(points[0]["neurons"]),
            ),
            (
                "Thresholds by three criteria (Figure 2).",
                thresholds_figure(run["thresholds"]),
            ),
            (
                f"Spikes of some neurons for one image, {_steps(shown)}.",
                rasters_figure(shown["rasters"]),
            ),
            (
                "Error on held-out images after each step of calibration.",
                steps_figure(run["steps"]),
            ),
        ),
        "points": [_point_section(place, point) for point in points],
        "steps": _table(STEPS, run["steps"]),
    }


def _with_rasters(points):
    """The last point whose rasters are not too long to be read."""
    fitting = [
        point
        for point in points
        if point["rasters"] and point["rasters"][0]["steps"] <= RASTER_STEPS
    ]
    return (fitting or points[:1])[-1]


def _steps(point):
    return f"T = {point['timesteps']}"


def _point_section(place, point):
    return {
        "anchor": f"run-{place}-t{point['timesteps']}",
        "title": _steps(point) if point["timesteps"] else "without time",
        "explanation": point["explanation"],
        "figures": _figures(
            (
                "What the error of each layer is made of; the parts add up.",
                parts_figure(point),
            )
        ),
        "layers": _table(LAYERS, point["layers"]),
        "energy": _table(ENERGY, point["energy"]),
        "memory": _table(ENERGY, point["memory"]),
        "assumptions": point["assumptions"] or [],
    }
