"""Writes calibrated models for TensorFlow Serving, one SavedModel per T.

Takes what `tfsnn calibrate` wrote: its folder, or one of the models in it.
With --data every model is evaluated first, and the manifest has its accuracy;
images are scaled as for the calibration if no flag says how.
With --revise an export gets a further revision beside what a server serves.
"""

import json
import shlex
from typing import Any

from absl import app, flags

import tfsnn
from tfsnn import progress
from tfsnn.export import export_bundle
from tfsnn_tools import (
    command_line,
    export_files,
    flag_groups,
    output_folder,
    recorded_preprocessing,
    stored_calibration,
    tables,
    user_modules,
)

USAGE = "tfsnn export --model=DIR --output=DIR [--flags]"
MANIFEST = "manifest.json"
FORMATS = {
    "saved_model": tfsnn.export_saved_model,
    "bundle": export_bundle,
}
FILES = ("nir", "litert")
"""Formats of one file for each T, see `export_files`."""
OF_ONE_FORMAT = {"potential": "nir", "weights": "litert"}


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
    flags.DEFINE_enum(
        "format",
        "saved_model",
        [*FORMATS, *FILES],
        "saved_model: one for each T; bundle: one for all, in which weights"
        " that are equal are stored once; nir: a NIR file for each T;"
        " litert: a LiteRT file for each T, spike counts where the network is"
        " two-phase.",
        flag_values=values,
    )
    flags.DEFINE_bool(
        "serialized",
        False,
        "Add the signature 'serialized': JPEG or PNG files, decoded and scaled"
        " in the graph, as for the calibration or as --scale, --mean, --std"
        " and --crop say.",
        flag_values=values,
    )
    flags.DEFINE_bool(
        "revise",
        False,
        "Add a revision to the export in --output; labels move to it.",
        flag_values=values,
    )
    flags.DEFINE_enum(
        "potential",
        "bias",
        ["bias", "metadata"],
        "Of nir: where the initial potential goes; into the bias of each step,"
        " or into the metadata alone.",
        flag_values=values,
    )
    flags.DEFINE_enum(
        "weights",
        "float32",
        ["float32", "int8"],
        "Of litert: how weights are stored.",
        flag_values=values,
    )
    flag_groups.define_data(values, "Labelled images, to record the accuracy")
    flag_groups.define_num_images(values)
    flag_groups.define_output(values)
    flag_groups.define_json(values)
    user_modules.define(values)
    flag_groups.define_quiet(values)
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
    user_modules.load(options)
    with progress.shown_as(not options.quiet):
        if options.format in FILES:
            return export_files.main(options)
        return _export(options)


def _export(options: flags.FlagValues) -> int:
    """Writes for TensorFlow Serving."""
    if not options.revise:
        output_folder.check(
            options.output, marker=MANIFEST, overwrite=options.overwrite
        )
    models = stored_calibration.read(options.model)
    decoding = None
    if options.serialized:
        decoding = recorded_preprocessing.decoding(options, models)
        first = next(iter(models.values()))
        decoding.decoder(first.inputs)  # Refuses before slow evaluations.
    record = FORMATS[options.format](
        models,
        options.output,
        evaluations=_evaluations(options, models),
        name=options.name,
        decoding=decoding,
        overwrite=options.overwrite,
        revise=options.revise,
    )
    if options.json:
        print(json.dumps(record.manifest, indent=2))
    else:
        _report(record.manifest, options.output)
    return 0


def _refuse_idle_flags(options: flags.FlagValues) -> None:
    """Flags that mean nothing without images, or with this format."""
    names = ("num_images", "seed", "data_dir", *flag_groups.PREPROCESSING)
    if options.serialized:
        decoding = (*recorded_preprocessing.SCALING, "crop")
        names = [name for name in names if name not in decoding]
    idle = [f"--{name}" for name in names if options[name].present]
    if idle and not options.data:
        raise app.UsageError(
            f"Received {', '.join(idle)} without --data. Leave"
            f" {'it' if len(idle) == 1 else 'them'} out, or name images."
        )
    if options.format in FILES:
        given = ("serialized", "revise", "name", "data")
        given = [f"--{name}" for name in given if options[name].present]
        if given:
            raise app.UsageError(
                f"Received {', '.join(given)} with --format={options.format}."
                " These are for TensorFlow Serving. Leave them out."
            )
    for name, format_ in OF_ONE_FORMAT.items():
        if options[name].present and options.format != format_:
            raise app.UsageError(
                f"Received --{name} with --format={options.format}. Supported:"
                f" --{name} with --format={format_}. Leave it out."
            )
    if options.serialized and options.preprocess:
        raise app.UsageError(
            "Received --serialized with --preprocess, a Python function, which"
            " no graph holds. State --scale, --mean and --std."
        )


def _evaluations(options: flags.FlagValues, models: Any) -> dict | None:
    """T to evaluation; None without `--data`."""
    if not options.data:
        return None
    first = next(iter(models.values()))
    stated = recorded_preprocessing.for_data(options, models)
    labelled = flag_groups.open_labelled_data(options, first, stated=stated)
    return {T: tfsnn.evaluate(models[T], labelled) for T in models}


def _report(manifest: dict[str, Any], output: str) -> None:
    rows = [
        (
            str(member["timesteps"]),
            str(member["latency_steps"]),
            tables.percent((member["evaluation"] or {}).get("accuracy")),
            f"{entry['num_bytes'] / 1e6:.2f}",
            str(entry["version"]),
        )
        for entry in manifest["models"]
        if entry["revision"] == manifest["revision"]
        for member in entry.get("members", [entry])
    ]
    columns = ("T", "latency (steps)", "accuracy", "MB", "version")
    tables.print_table(f"Exported: {manifest['name']}", columns, rows)
    if any(entry["warmup"] is None for entry in manifest["models"]):
        print("No warm-up requests: pip install 'tfsnn[serving]' first.")
    print(f"Written: {output}")
    print(f"Next:    tfsnn serve {shlex.quote(output)}")
