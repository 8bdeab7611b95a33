"""Measures accuracy, spikes and cost of a network on labelled images.

Takes spiking models and ordinary ones. The images go through the same
preprocessing as for `tfsnn calibrate`. With --num_images a seeded sample is
used (of tfds: the first images).
"""

import json
from typing import Any

from absl import flags

import tfsnn
from tfsnn_tools import (
    command_line,
    cost_tables,
    flag_groups,
    model_files,
    tables,
)

USAGE = "tfsnn evaluate --model=FILE --data=DATA [--flags]"


def define_flags() -> flags.FlagValues:
    """The flags of this command."""
    values = flags.FlagValues()
    flags.DEFINE_string(
        "model", None, "Network, spiking or not.", flag_values=values
    )
    flags.DEFINE_string(
        "reference",
        None,
        "Network to compare with, such as the source.",
        flag_values=values,
    )
    flag_groups.define_data(values, "Labelled images")
    flag_groups.define_num_images(values)
    flags.DEFINE_integer(
        "batch_size",
        None,
        "Images at a time; chosen by default.",
        lower_bound=1,
        flag_values=values,
    )
    flag_groups.define_json(values)
    flag_groups.define_quiet(values)
    return values


def main(argv: list[str]) -> int:
    """Evaluates and prints.

    Args:
        argv: Program name and flags.

    Returns:
        0.

    Raises:
        TfsnnError: If a model or the data do not fit.
    """
    options = define_flags()
    command_line.parse(argv, options, required=("model", "data"))
    model = model_files.load_keras_model(options.model)
    reference = None
    if options.reference:
        reference = model_files.load_keras_model(options.reference)
    labelled = flag_groups.load_labelled_data(options, model)
    evaluation = tfsnn.evaluate(
        model,
        labelled,
        reference=reference,
        batch_size=options.batch_size,
        progress=not options.quiet,
    )
    if options.json:
        print(json.dumps(evaluation.to_dict(), indent=2))
    else:
        _report(evaluation)
    return 0


def prefixes(timesteps: int) -> list[int]:
    """Steps to show of an accuracy curve: powers of two, and T.

    Args:
        timesteps: T.

    Returns:
        Ascending steps in 1...T.
    """
    powers = (2**exponent for exponent in range(timesteps.bit_length()))
    return sorted({*(t for t in powers if t <= timesteps), timesteps})


def _report(evaluation: Any) -> None:
    print(evaluation)
    if evaluation.accuracy_at:
        agreement = evaluation.agreement_at or [None] * evaluation.timesteps
        rows = [
            (
                str(t),
                tables.percent(evaluation.accuracy_at[t - 1]),
                tables.percent(agreement[t - 1]),
            )
            for t in prefixes(evaluation.timesteps)
        ]
        tables.print_table(
            "\nAfter t steps", ("t", "accuracy", "agreement"), rows
        )
    if evaluation.activity:
        rows = [
            (
                one.name,
                f"{one.rate:.4f}",
                f"{len(one.dead_channels)} of {one.num_channels}",
                f"{len(one.saturated_channels)} of {one.num_channels}",
            )
            for one in evaluation.activity
        ]
        columns = ("layer", "spikes per step", "dead channels", "saturated")
        tables.print_table("Firing rates", columns, rows)
    if evaluation.cost:
        cost_tables.show(evaluation.cost.to_dict())
