"""Figures that compare points of one or several runs."""

from collections.abc import Sequence
from typing import Any

from .drawing import colour, drawn, legend_text, log_axis
from .pareto import group_of

Report = dict[str, Any]
MOST_LINES = 12


def accuracy_figure(points: Sequence[tuple[str, dict]]) -> str | None:
    """Accuracy after every step.

    Args:
        points: Labels and points of a report.

    Returns:
        SVG; None if nothing was measured step by step.
    """
    known = [(label, p) for label, p in points if p["accuracy_at"]]
    return drawn(_accuracy, known[:MOST_LINES]) if known else None


def _accuracy(axes, points):
    references = set()
    for place, (label, point) in enumerate(points):
        curve = point["accuracy_at"]
        steps = range(1, len(curve) + 1)
        axes.plot(
            steps,
            [100 * share for share in curve],
            color=colour(place),
            marker="." if len(curve) < 40 else None,
            label=legend_text(label),
        )
        references.add(point["summary"]["reference_accuracy"])
    for share in references - {None}:
        axes.axhline(100 * share, ls="--", lw=1, color="#7f8c8d")
    log_axis(axes.xaxis, base=2)
    axes.set(xlabel="step t", ylabel="accuracy (%)")
    axes.grid(True)
    axes.legend(ncols=2 if len(points) > 4 else 1)


COSTS = {
    "latency_steps": ("pareto_latency", "latency (steps)", 1.0),
    "spiking_joules": ("pareto_energy", "energy of arithmetic (µJ)", 1e6),
}


def pareto_figure(overview: Sequence[dict], cost: str) -> str | None:
    """Accuracy against a cost, with the Pareto front.

    Args:
        overview: Of a report.
        cost: A key of `COSTS`.

    Returns:
        SVG; None if there are less than two measurements.
    """
    known = [
        row
        for row in overview
        if row[cost] is not None and row["accuracy"] is not None
    ]
    return drawn(_pareto, known, cost) if len(known) > 1 else None


def _pareto(axes, rows, cost):
    front, label, unit = COSTS[cost]
    runs = list(dict.fromkeys(row["run"] for row in rows))
    for place, run in enumerate(runs):
        own = [row for row in rows if row["run"] == run]
        axes.scatter(
            [unit * row[cost] for row in own],
            [100 * row["accuracy"] for row in own],
            color=colour(place),
            label=legend_text(run),
            zorder=3,
        )
        for row in own:
            axes.annotate(
                f"T={row['timesteps']}" if row["timesteps"] else "ANN",
                (unit * row[cost], 100 * row["accuracy"]),
                xytext=(5, 4),
                textcoords="offset points",
                fontsize=7.5,
            )
    for group in dict.fromkeys(map(group_of, rows)):
        best = sorted(
            (unit * row[cost], 100 * row["accuracy"])
            for row in rows
            if row[front] and group_of(row) == group
        )
        axes.step(*zip(*best, strict=True), where="post", color="#7f8c8d", lw=1)
    log_axis(axes.xaxis)
    axes.set(xlabel=label, ylabel="accuracy (%)")
    axes.grid(True, which="major")
    axes.legend()
