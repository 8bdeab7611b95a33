"""Measures accuracy, spikes, cost and errors of networks on labelled images.

Takes spiking models and ordinary ones, or a folder that `tfsnn calibrate`
wrote: then every T in it. The images go through the same preprocessing as for
`tfsnn calibrate`. With --num_images a seeded sample is used (of tfds: the first
images).

With --reference, the network the spiking one was made from, the error is split
by layer and by cause, and a sentence says where the accuracy went. --output
writes all of it as a run that `tfsnn report` shows.
"""

import json
import shlex
from collections.abc import Mapping
from typing import Any

import keras
from absl import flags

import tfsnn
from tfsnn_tools import (
    command_line,
    cost_tables,
    evaluation_run,
    flag_groups,
    model_files,
    output_folder,
    run_log,
    tables,
    user_modules,
)
from tfsnn_tools.image_stream import ImageStream

USAGE = "tfsnn evaluate --model=FILE --data=DATA [--flags]"
DIAGNOSED = 64


def define_flags() -> flags.FlagValues:
    """The flags of this command."""
    values = flags.FlagValues()
    options = {"flag_values": values}
    flags.DEFINE_string(
        "model",
        None,
        "Network, spiking or not; or a folder of tfsnn calibrate.",
        **options,
    )
    flags.DEFINE_string(
        "reference",
        None,
        "Network to compare with, such as the source.",
        **options,
    )
    flag_groups.define_data(values, "Labelled images")
    flag_groups.define_num_images(values)
    flags.DEFINE_integer(
        "batch_size",
        None,
        "Images at a time; chosen by default.",
        lower_bound=1,
        **options,
    )
    flags.DEFINE_integer(
        "diagnose",
        DIAGNOSED,
        "Images on which errors are split by layer, given a --reference; 0:"
        " not at all.",
        lower_bound=0,
        **options,
    )
    flags.DEFINE_bool(
        "rasters", True, "Record single spikes, for --output.", **options
    )
    flag_groups.define_output(values)
    flag_groups.define_json(values)
    flag_groups.define_quiet(values)
    user_modules.define(values)
    return values


def main(argv: list[str]) -> int:
    """Evaluates and prints.

    Args:
        argv: Program name and flags.

    Returns:
        0.

    Raises:
        TfsnnError: If a model, the data or the output folder do not fit.
    """
    options = define_flags()
    command_line.parse(argv, options, required=("model", "data"))
    place = {"marker": evaluation_run.RECORD, "overwrite": options.overwrite}
    if options.output:
        output_folder.check(options.output, **place)
    user_modules.load(options)
    models = evaluation_run.models_of(options.model)
    reference = None
    if options.reference:
        reference = model_files.load_keras_model(options.reference)
    first = next(iter(models.values()))
    with run_log.collected() as lines:
        labelled = flag_groups.open_labelled_data(options, first)
        conversion = None
        if options.output or options.diagnose:
            conversion = evaluation_run.conversion_of(models, reference)
        points = _measured(options, models, reference, conversion, labelled)
        if not options.output:
            _tell(options, points)
            return 0
        record = evaluation_run.record_of(
            options,
            argv,
            points,
            models=models,
            conversion=conversion,
            labelled=labelled,
        )
    _tell(options, points)  # First: writing may fail.
    with output_folder.replaced_whole(options.output, **place) as folder:
        evaluation_run.write(record, folder)
        run_log.write(lines, folder)
    if not options.json:
        print(f"Written: {options.output}")
        print(f"Next:    tfsnn report {shlex.quote(options.output)}")
    return 0


def _measured(
    options: flags.FlagValues,
    models: Mapping[Any, keras.Model],
    reference: keras.Model | None,
    conversion: tfsnn.Conversion | None,
    labelled: Any,
) -> list[dict[str, Any]]:
    """Of every model its evaluation and, where there can be one, diagnosis."""
    num_images = None
    if isinstance(labelled, ImageStream):  # It has no length.
        num_images = labelled.num_images
    points = []
    for model in models.values():
        evaluation = tfsnn.evaluate(
            model,
            labelled,
            reference=reference,
            batch_size=options.batch_size,
            num_images=num_images,
            progress=not options.quiet,
        )
        diagnosis = None
        if conversion is not None and options.diagnose:
            diagnosis = evaluation_run.diagnosis_of(
                model,
                labelled,
                conversion,
                num_images=options.diagnose,
                progress=not options.quiet,
            )
        points.append({"evaluation": evaluation, "diagnosis": diagnosis})
    return points


def _tell(options: flags.FlagValues, points: list[dict[str, Any]]) -> None:
    if options.json:
        plain = [_plain(options, point) for point in points]
        print(json.dumps(plain[0] if len(plain) == 1 else plain, indent=2))
        return
    for point in points:
        _report(**point)


def _plain(options, point):
    """An evaluation as plain types, with its diagnosis if asked for."""
    found = point["evaluation"].to_dict()
    if options.reference:
        diagnosis = point["diagnosis"]
        found["diagnosis"] = diagnosis and diagnosis.to_dict()
    return found


def prefixes(timesteps: int) -> list[int]:
    """Steps to show of an accuracy curve: powers of two, and T.

    Args:
        timesteps: T.

    Returns:
        Ascending steps in 1...T.
    """
    powers = (2**exponent for exponent in range(timesteps.bit_length()))
    return sorted({*(t for t in powers if t <= timesteps), timesteps})


def _report(evaluation: Any, diagnosis: Any) -> None:
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
    if diagnosis:
        cost_tables.show_errors(diagnosis.to_dict())
