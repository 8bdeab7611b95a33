"""Figures about the layers of one run."""

from collections.abc import Sequence
from typing import Any

from tfsnn.numerics.error_parts import PARTS

from .drawing import colour, drawn, log_axis, require

Point = dict[str, Any]
LABELS_BELOW = 24
"""Largest number of layers whose names are written."""


def rates_figure(points: Sequence[Point]) -> str | None:
    """Firing rate of each layer (Figure 3 of the paper), a colour a T.

    Args:
        points: Points of a run.

    Returns:
        SVG; None without rates.
    """
    return _bars(points, "firing_rate", "spikes per step")


def enters_figure(points: Sequence[Point]) -> str | None:
    """Share of the error of the logits that enters at each layer.

    Args:
        points: Points of a run.

    Returns:
        SVG; None without a diagnosis.
    """
    return _bars(points, "enters", "share of the logits' error")


def _bars(points, key, label):
    known = [p for p in points if any(key in row for row in p["layers"])]
    return drawn(_grouped, known, key, label) if known else None


def _grouped(axes, points, key, label):
    names = [row["name"] for row in points[0]["layers"] if key in row]
    width = 0.8 / len(points)
    for place, point in enumerate(points):
        values = [row[key] for row in point["layers"] if key in row]
        offset = (place - (len(points) - 1) / 2) * width
        axes.bar(
            [x + offset for x in range(len(values))],
            values,
            width,
            color=colour(place),
            label=f"T = {point['timesteps']}",
        )
    axes.axhline(0, lw=0.8, color="#7f8c8d")
    axes.set_ylabel(label)
    _name_layers(axes, names)
    axes.legend()


def parts_figure(point: Point) -> str | None:
    """What the error of each layer is made of, stacked.

    Args:
        point: A point of a run.

    Returns:
        SVG; None without a diagnosis.
    """
    rows = [row for row in point["layers"] if "contributions" in row]
    return drawn(_parts, rows) if rows else None


def _parts(axes, rows):
    above, below = [0.0] * len(rows), [0.0] * len(rows)
    for place, part in enumerate(PARTS):
        values = [row["contributions"][part] for row in rows]
        bottoms = []
        for index, value in enumerate(values):
            stack = above if value >= 0 else below
            bottoms.append(stack[index])
            stack[index] += value
        axes.bar(
            range(len(rows)),
            values,
            bottom=bottoms,
            color=colour(place),
            label=part,
        )
    axes.plot(
        range(len(rows)),
        [row["error"] for row in rows],
        "D",
        ms=3,
        color="#7f8c8d",
        label="their sum",
    )
    axes.set_ylabel("squared error / square")
    _name_layers(axes, [row["name"] for row in rows])
    axes.legend(ncols=2)


def bound_figure(points: Sequence[Point]) -> str | None:
    """Measured error beside the bound of Lemma 4.1.

    Args:
        points: Points of a run.

    Returns:
        SVG; None without a diagnosis.
    """
    known = [p for p in points if any("bound" in row for row in p["layers"])]
    return drawn(_bound, known) if known else None


def _bound(axes, points):
    for place, point in enumerate(points):
        rows = [row for row in point["layers"] if "bound" in row]
        options = {"color": colour(place), "marker": ".", "lw": 1.3}
        label = f"T = {point['timesteps']}"
        axes.plot([row["norm"] for row in rows], label=label, **options)
        axes.plot([row["bound"] for row in rows], ls=":", **options)
    log_axis(axes.yaxis)
    axes.set_ylabel("norm of the error / norm")
    _name_layers(axes, [row["name"] for row in rows])
    axes.grid(True, axis="y")
    axes.legend(title="measured; dotted: Eq. 12")


def histogram_figure(point: Point) -> str | None:
    """How many neurons of each layer have which rate.

    Args:
        point: A point of a run.

    Returns:
        SVG; None without histograms.
    """
    rows = [row for row in point["layers"] if row.get("histogram")]
    return drawn(_histogram, rows) if rows else None


def _histogram(axes, rows):
    shares = [
        [count / max(1, sum(row["histogram"])) for count in row["histogram"]]
        for row in rows
    ]
    columns = [list(column) for column in zip(*shares, strict=True)]
    image = axes.imshow(
        columns,
        aspect="auto",
        origin="lower",
        cmap="viridis",
        extent=(-0.5, len(rows) - 0.5, 0, 1),
        interpolation="nearest",
        norm=require("matplotlib.colors").PowerNorm(0.4, 0, 1),
    )
    axes.set_ylabel("rate of a neuron")
    _name_layers(axes, [row["name"] for row in rows])
    axes.figure.colorbar(image, ax=axes, label="share of the neurons")


def _name_layers(axes, names):
    if len(names) <= LABELS_BELOW:
        axes.set_xticks(range(len(names)), names, rotation=60, ha="right")
        axes.tick_params(axis="x", labelsize=7.5)
    else:
        axes.set_xlabel("layer, by depth")
