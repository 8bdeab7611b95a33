"""What `tfsnn calibrate` prints at its end."""

import shlex
from typing import Any

from tfsnn_tools import tables

COLUMNS = (
    "T",
    "latency (steps)",
    "error of last layer",
    "accepted steps",
    "seconds",
)
TRIALS = ("pipeline", "T", "error of outputs", "seconds", "")


def show(record: dict[str, Any], output: str) -> None:
    """Prints a row per T, what helped nowhere, and what a search tried.

    Args:
        record: As written to calibration.json.
        output: The folder that was written.
    """
    title = (
        f"Pipeline {record['pipeline']['name']}, {record['num_images']} images,"
        f" {record['seconds']:.1f} s"
    )
    tables.print_table(title, COLUMNS, summary(record))
    if record["trials"]:
        title = "What was tried (-: left out for time, or the kind of neuron)"
        tables.print_table(title, TRIALS, tried(record))
    for line in unhelpful(record):
        print(line)
    print(f"Written: {output}")
    print(
        f"Next:    tfsnn export --model={shlex.quote(output)} --output=EXPORT"
    )


def summary(record: dict[str, Any]) -> list[tuple[str, ...]]:
    """One row per T of a record: T, latency, error, accepted steps, seconds.

    Args:
        record: As written to calibration.json.

    Returns:
        Cells; the error is that of the last segment that was calibrated (a
        neuron layer, or the read-out), on held-out images: mean squared
        difference over mean square.
    """
    rows = []
    for timesteps in record["timesteps"]:
        steps = _of(record, timesteps)
        last = [s for s in steps if s["segment"] == steps[-1]["segment"]]
        accepted = sum(step["accepted"] for step in steps)
        kept = [last[0]["error_before"]]  # Of a read-out left as it is.
        kept += [step["error_after"] for step in last if step["accepted"]]
        rows.append(
            (
                str(timesteps),
                str(record["latency_steps"][str(timesteps)]),
                _error(kept[-1]),
                f"{accepted} of {len(steps)}",
                f"{sum(step['seconds'] for step in steps):.1f}",
            )
        )
    return rows


def tried(record: dict[str, Any]) -> list[tuple[str, ...]]:
    """One row per trial of a search.

    Args:
        record: As written to calibration.json.

    Returns:
        Cells; a dash where a pipeline was left out.
    """
    return [
        (
            trial["pipeline"],
            str(trial["timesteps"]),
            *(
                ("-", "-")
                if not trial["seconds"]
                else (_error(trial["error"]), f"{trial['seconds']:.1f}")
            ),
            "kept" if trial["chosen"] else "",
        )
        for trial in record["trials"]
    ]


def _error(value: float | None) -> str:
    """An error; records have null for NaN and infinity."""
    return "not finite" if value is None else f"{value:.4f}"


def unhelpful(record: dict[str, Any]) -> list[str]:
    """Kinds of steps that were accepted nowhere.

    Args:
        record: As written to calibration.json.

    Returns:
        A line for each T at which there is one.
    """
    lines = []
    for timesteps in record["timesteps"]:
        steps = _of(record, timesteps)
        helped = {step["strategy"] for step in steps if step["accepted"]}
        names = [step["strategy"] for step in steps]
        useless = [n for n in dict.fromkeys(names) if n not in helped]
        if useless:
            lines.append(
                f"T = {timesteps}: {', '.join(useless)} made no layer better"
                " on held-out images, and nothing of it was kept."
            )
    return lines


def _of(record, timesteps):
    return [s for s in record["steps"] if s["timesteps"] == timesteps]
