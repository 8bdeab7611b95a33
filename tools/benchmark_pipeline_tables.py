"""Renders the results of the pipeline benchmark as Markdown."""

import statistics
from collections.abc import Iterable, Mapping
from typing import Any

SETUP = ("model", "model_sha256", "data", "tfsnn", "images", "test_images")
"""What rows of one table share."""
CLOCKS = {"0": "pipelined", "T": "two-phase"}

Row = Mapping[str, Any]


def markdown(rows: Iterable[Row]) -> str:
    """One table for each set-up: clock and pipeline downwards, T to the right.

    Args:
        rows: As `tfsnn benchmark pipelines` writes them; of two with the same
            key the later one counts.

    Returns:
        Text; a cell is the mean drop in percentage points, its standard
        deviation over the seeds where there are several, and the latency in
        steps.
    """
    groups: dict[tuple, list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row[name] for name in SETUP), []).append(row)
    return "\n\n".join(_table(group) for group in groups.values())


def _table(rows):
    cells: dict[tuple, dict[int, Row]] = {}
    for row in rows:
        key = (row["clock"], _what(row), row["timesteps"])
        cells.setdefault(key, {})[row["seed"]] = row
    every_t = sorted({row["timesteps"] for row in rows})
    heads = " | ".join(f"T={T}" for T in every_t)
    lines = [
        _caption(rows),
        "",
        f"| clock | pipeline | {heads} |",
        f"|---|---|{'---|' * len(every_t)}",
    ]
    names = dict.fromkeys((row["clock"], _what(row)) for row in rows)
    for clock, pipeline in sorted(names):
        texts = [_cell(cells.get((clock, pipeline, T))) for T in every_t]
        label = CLOCKS.get(clock, f"lag {clock}")
        lines.append(f"| {label} | {pipeline} | {' | '.join(texts)} |")
    return "\n".join(lines)


def _what(row):
    """The pipeline, and the neurons where they are not plain."""
    neuron = row.get("neuron", "if")
    return row["pipeline"] + ("" if neuron == "if" else f", {neuron}")


def _cell(by_seed):
    if not by_seed:
        return "-"
    drops = [row["drop"] for row in by_seed.values()]
    spread = f" ± {statistics.stdev(drops):.2f}" if len(drops) > 1 else ""
    latency = next(iter(by_seed.values()))["latency_steps"]
    return f"{statistics.mean(drops):.2f}{spread} ({latency} steps)"


def _caption(rows):
    row = rows[-1]
    seeds = sorted({r["seed"] for r in rows})
    return (
        f"{row['model']} ({row['model_sha256']}), {row['data']}: analog"
        f" {100 * row['analog']:.2f} % of {row['test_images']} test images;"
        f" {row['images']} calibration images, seeds"
        f" {', '.join(map(str, seeds))}, tfsnn {row['tfsnn']}. Mean drop in"
        " points (latency):"
    )
