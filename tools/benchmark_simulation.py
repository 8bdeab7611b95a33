"""Measures the simulation of T steps against the analog network.

    ratio = seconds of T steps / (T * seconds of the analog forward)

Both run in the same process, in turn, on the same number of cores, each at its
best batch size; a ratio of 1 means that the neurons cost nothing beyond T
forwards of the ANN in float32. Folded: all T steps of a layer at once;
stepping: all layers of a step at once. Weights and images are random: the time
of a dense convolution does not depend on them. The peak memory is that of a
process that only loads the spiking model and runs it.
"""

import pathlib
import sys
import tempfile

from absl import app, flags

from tfsnn_tools import benchmark_record, command_line, simulation_cell

USAGE = "tfsnn benchmark simulation [--flags]"
COLUMNS = (
    "width",
    "T",
    "dtype",
    "execution",
    "images",
    "ANN float32 ms",
    "SNN ms",
    "SNN / (T * ANN float32)",
    "peak MB",
)


def define_flags() -> flags.FlagValues:
    """The flags of this command."""
    values = flags.FlagValues()
    options = {"flag_values": values}
    flags.DEFINE_list("widths", ["16", "64"], "Widths.", **options)
    flags.DEFINE_list("timesteps", ["8", "32", "128"], "Every T.", **options)
    flags.DEFINE_list(
        "policies", ["float32", "mixed_bfloat16"], "Dtype policies.", **options
    )
    flags.DEFINE_list(
        "execution",
        list(simulation_cell.EXECUTIONS),
        "How T steps are run: folded, stepping or both.",
        **options,
    )
    flags.DEFINE_list(
        "rows",
        ["128", "256", "512"],
        "Rows (T * images) tried where folded.",
        **options,
    )
    flags.DEFINE_list(
        "step_batches",
        ["32", "64", "128"],
        "Images at once tried where stepping.",
        **options,
    )
    flags.DEFINE_integer("repeats", 5, "Timed runs of each.", 1, **options)
    flags.DEFINE_string("output", None, "JSON file to write.", **options)
    return values


def batches_to_try(
    options: flags.FlagValues, execution: str, timesteps: int
) -> list[int]:
    """Images at once, ascending; folded time takes T rows an image."""
    if execution == "stepping":
        return sorted({int(batch) for batch in options.step_batches})
    return sorted({max(1, int(row) // timesteps) for row in options.rows})


def measure(
    folder: pathlib.Path, cell: dict, batches: list[int], repeats: int
) -> dict:
    """One row: the best batch size of those tried.

    Args:
        folder: With the models of the cell.
        cell: `width`, `timesteps`, `policy`, `execution`.
        batches: Images at once, tried.
        repeats: Timed runs of each.

    Returns:
        The cell with what was measured.
    """
    execution, timesteps = cell["execution"], cell["timesteps"]
    times = simulation_cell.in_child(
        simulation_cell.best_times, folder, execution, batches, repeats
    )
    peak = simulation_cell.in_child(
        simulation_cell.peak_memory_mb, folder, execution, times["batch"]
    )
    analog = times["analog_ms_per_image"]
    ratio = times["spiking_ms_per_image"] / (timesteps * analog)
    return {**cell, **times, "ratio": ratio, "peak_memory_mb": peak}


def line(row: dict) -> str:
    """A row of the Markdown table."""
    cells = (
        row["width"],
        row["timesteps"],
        row["policy"],
        row["execution"],
        row["batch"],
        f"{row['analog_ms_per_image']:.3f}",
        f"{row['spiking_ms_per_image']:.2f}",
        f"{row['ratio']:.2f}",
        f"{row['peak_memory_mb']:.0f}",
    )
    return f"| {' | '.join(map(str, cells))} |"


def main(argv: list[str]) -> int:
    """Prints one row a cell; writes them all as JSON if asked."""
    options = define_flags()
    command_line.parse(argv, options)
    unknown = set(options.execution) - set(simulation_cell.EXECUTIONS)
    if unknown or not options.execution:
        raise app.UsageError(
            f"Received --execution={','.join(options.execution)}. Supported:"
            " folded, stepping. Name one or both."
        )
    print(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}")
    rows = []
    for row in _rows(options):
        rows.append(row)
        print(line(row), flush=True)
    if options.output:
        benchmark_record.write(options.output, argv, rows)
    return 0


def _rows(options):
    models = [
        (int(width), int(T), policy)
        for width in options.widths
        for T in options.timesteps
        for policy in options.policies
    ]
    for width, timesteps, policy in models:
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            simulation_cell.in_child(
                simulation_cell.write_models, folder, width, timesteps, policy
            )
            for execution in options.execution:
                cell = {
                    "width": width,
                    "timesteps": timesteps,
                    "policy": policy,
                    "execution": execution,
                }
                batches = batches_to_try(options, execution, timesteps)
                yield measure(folder, cell, batches, options.repeats)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
