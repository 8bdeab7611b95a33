"""Writes calibrated models as TensorFlow SavedModels, one per T.

Takes what `tfsnn calibrate` wrote: its folder, or one of the models in it.
With --data every model is evaluated first, and the manifest has its accuracy.
"""

import json
from typing import Any

from absl import app, flags

import tfsnn
from tfsnn_tools import (
    command_line,
    flag_groups,
    output_folder,
    stored_calibration,
    tables,
)

USAGE = "tfsnn export --model=DIR --output=DIR [--flags]"
MANIFEST = "manifest.json"


def define_flags() -> flags.FlagValues:
    """The flags of this command."""
    values = flags.FlagValues()
    flags.DEFINE_string(
        "model",
        None,
        "Folder written by tfsnn calibrate, or one of its .keras files.",
        flag_values=values,
    )
    flags.DEFINE_string(
        "name",
        None,
        "Name of the network in the manifest; the folder's by default.",
        flag_values=values,
    )
    flag_groups.define_data(values, "Labelled images, to record the accuracy")
    flag_groups.define_num_images(values)
    flag_groups.define_output(values)
    flag_groups.define_json(values)
    return values


def main(argv: list[str]) -> int:
    """Exports and prints a line per T.

    Args:
        argv: Program name and flags.

    Returns:
        0.

    Raises:
        TfsnnError: If models, data or output folder do not fit.
    """
    options = define_flags()
    command_line.parse(argv, options, required=("model", "output"))
    _refuse_idle_flags(options)
    output_folder.check(
        options.output, marker=MANIFEST, overwrite=options.overwrite
    )
    models = stored_calibration.read(options.model)
    record = tfsnn.export_saved_model(
        models,
        options.output,
        evaluations=_evaluations(options, models),
        name=options.name,
        overwrite=options.overwrite,
    )
    if options.json:
        print(json.dumps(record.manifest, indent=2))
    else:
        _report(record.manifest, options.output)
    return 0


def _refuse_idle_flags(options: flags.FlagValues) -> None:
    """Flags about images mean nothing without images."""
    names = ("num_images", "seed", "data_dir", *flag_groups.PREPROCESSING)
    idle = [f"--{name}" for name in names if options[name].present]
    if idle and not options.data:
        raise app.UsageError(
            f"Received {', '.join(idle)} without --data. Leave"
            f" {'it' if len(idle) == 1 else 'them'} out, or name images."
        )


def _evaluations(options: flags.FlagValues, models: Any) -> dict | None:
    """T to evaluation; None without `--data`."""
    if not options.data:
        return None
    first = next(iter(models.values()))
    labelled = flag_groups.load_labelled_data(options, first)
    return {T: tfsnn.evaluate(models[T], labelled) for T in models}


def _report(manifest: dict[str, Any], output: str) -> None:
    rows = [
        (
            str(entry["timesteps"]),
            str(entry["latency_steps"]),
            tables.percent((entry["evaluation"] or {}).get("accuracy")),
            f"{output}/{entry['version']}",
        )
        for entry in manifest["models"]
    ]
    columns = ("T", "latency (steps)", "accuracy", "SavedModel")
    tables.print_table(f"Exported: {manifest['name']}", columns, rows)
    print(f"Written: {output}")
