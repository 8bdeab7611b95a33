"""Measures what a calibration costs against one run of T steps.

    ratio = seconds of the calibration / seconds of one T-step run

over the same random images, in one process a row, whose peak memory after the
calibration stands beside it. Where weights are trained: the share of the time
that takes, and an iteration beside one forward and backward run of a segment.
"""

import sys

from absl import app, flags

from tfsnn_tools import (
    benchmark_record,
    calibration_cost,
    command_line,
    quiet_start,
    simulation_cell,
)

USAGE = "tfsnn benchmark costs [--flags]"
COLUMNS = (
    ("pipeline", "pipeline", "{}"),
    ("width", "width", "{}"),
    ("T", "timesteps", "{}"),
    ("images", "images", "{}"),
    ("pass s", "pass_seconds", "{:.1f}"),
    ("calibration s", "calibration_seconds", "{:.1f}"),
    ("ratio", "ratio", "{:.2f}"),
    ("peak MB", "peak_memory_mb", "{:.0f}"),
    ("training", "trained_share", "{:.0%}"),
    ("iteration ms", "iteration_ms", "{:.2f}"),
    ("gradient ms", "gradient_ms", "{:.2f}"),
)


def define_flags() -> flags.FlagValues:
    """The flags of this command."""
    values = flags.FlagValues()
    options = {"flag_values": values}
    flags.DEFINE_list(
        "pipelines",
        ["light_once", "light", "advanced"],
        "Pipelines; light_once is light with one sweep of bias calibration.",
        **options,
    )
    flags.DEFINE_list("widths", ["16"], "Widths of the ResNet-20.", **options)
    flags.DEFINE_list("timesteps", ["32"], "Every T.", **options)
    flags.DEFINE_integer("images", 1024, "Calibration images.", 16, **options)
    flags.DEFINE_integer("repeats", 5, "Timed gradients.", 1, **options)
    flags.DEFINE_string("output", None, "JSON file to write.", **options)
    return values


def line(row: dict) -> str:
    """A row of the Markdown table."""
    cells = [
        form.format(row[key]) if key in row else "" for _, key, form in COLUMNS
    ]
    return f"| {' | '.join(cells)} |"


def main(argv: list[str]) -> int:
    """Prints one row a cell; writes them all as JSON if asked."""
    options = define_flags()
    command_line.parse(argv, options)
    quiet_start.import_tensorflow()
    _check_names(options.pipelines)
    header = " | ".join(name for name, _, _ in COLUMNS)
    print(f"| {header} |\n|{'---|' * len(COLUMNS)}", flush=True)
    rows = []
    for width in map(int, options.widths):
        for T in map(int, options.timesteps):
            for name in options.pipelines:
                work = (width, T, options.images, name, options.repeats)
                cost = simulation_cell.in_child(
                    calibration_cost.measured, *work
                )
                key = {"pipeline": name, "width": width, "timesteps": T}
                rows.append({**key, "images": options.images, **cost})
                print(line(rows[-1]), flush=True)
    if options.output:
        benchmark_record.write(options.output, argv, rows)
    return 0


def _check_names(names: list[str]) -> None:
    unknown = sorted(set(names) - set(calibration_cost.pipelines()))
    if unknown or not names:
        raise app.UsageError(
            f"Received --pipelines={','.join(names)}. Supported:"
            f" {', '.join(calibration_cost.pipelines())}. Name one of them or"
            " several."
        )


if __name__ == "__main__":
    sys.exit(main(sys.argv))
