"""Makes a network spike: one calibrated model per T, from unlabelled images.

Writes OUTPUT/t8.keras, OUTPUT/t16.keras ..., OUTPUT/calibration.json and a
log, all of them or nothing. The images go through the same preprocessing as
those the network was trained on: state it by --scale, --mean and --std, or by
--preprocess.

Until then what is finished is kept in OUTPUT.partial. An interrupted run goes
on from there with --resume, to the same models; with another model, other
data, T or options, --resume is refused.
"""

import json
import pathlib
from typing import Any

from absl import flags

import tfsnn
from tfsnn.errors import UnsupportedLayerError
from tfsnn.inputs import take
from tfsnn_tools import (
    calibration_flags,
    calibration_report,
    command_line,
    flag_groups,
    model_files,
    output_folder,
    quiet_start,
    resumption,
    run_log,
    user_modules,
)
from tfsnn_tools.recorded_preprocessing import FIELDS
from tfsnn_tools.stored_calibration import RECORD, file_name

USAGE = "tfsnn calibrate --model=FILE --data=DATA --output=DIR [--flags]"


def define_flags() -> flags.FlagValues:
    """The flags of this command."""
    values = flags.FlagValues()
    flags.DEFINE_string(
        "model", None, "Trained network, .keras or .h5.", flag_values=values
    )
    flag_groups.define_data(values, "Calibration images; labels are dropped")
    calibration_flags.define_calibration(values)
    calibration_flags.define_conversion(values)
    calibration_flags.define_split_errors(values)
    calibration_flags.define_resume(values)
    flag_groups.define_output(values)
    flag_groups.define_json(values)
    flag_groups.define_quiet(values)
    user_modules.define(values)
    return values


def main(argv: list[str]) -> int:
    """Calibrates, writes, prints a line per T.

    Args:
        argv: Program name and flags.

    Returns:
        0.

    Raises:
        TfsnnError: If model, data, output folder or what is to be resumed do
            not fit.
    """
    options = define_flags()
    command_line.parse(argv, options, required=("model", "data", "output"))
    timesteps = calibration_flags.timesteps(options)
    lag = calibration_flags.lag(options, timesteps)
    pipeline = calibration_flags.pipeline(options)
    config = calibration_flags.conversion_config(options)
    place = {"marker": RECORD, "overwrite": options.overwrite}
    output_folder.check(options.output, **place)
    resumption.check(options.output, resume=options.resume)
    user_modules.load(options)
    conversion, images = _loaded(options, config, lag)
    with resumption.kept_until_done(
        options.output, resume=options.resume
    ) as checkpoint:
        with run_log.collected() as lines:
            result = tfsnn.calibrate(
                conversion,
                images,
                timesteps=timesteps,
                pipeline=pipeline,
                config=tfsnn.SweepConfig(
                    lag=lag,
                    progress=not options.quiet,
                    checkpoint=checkpoint,
                    split_errors=options.split_errors,
                ),
                max_images=options.max_images,
                seed=options.seed,
            )
        record = {**result.to_dict(), **_provenance(options, timesteps, argv)}
        with output_folder.replaced_whole(options.output, **place) as folder:
            write(result, record, folder)
            run_log.write(lines, folder)
    if options.json:
        print(_text(record))
    else:
        calibration_report.show(record, options.output)
    return 0


def _loaded(options, config, lag):
    """The prepared network, and images that it can be calibrated with."""
    model = model_files.load_keras_model(options.model)
    findings = tfsnn.check(model, config=config)
    if not findings.ok:
        raise UnsupportedLayerError(str(findings), findings)
    images, _ = flag_groups.load_data(
        options, model, split="train", max_images=options.max_images
    )
    conversion = tfsnn.convert(
        model, config=config, sample=take(images, slice(16))
    )
    calibration_flags.check_lag(lag, conversion)
    return conversion, images


def write(
    result: tfsnn.CalibrationResult,
    record: dict[str, Any],
    folder: pathlib.Path,
) -> None:
    """Writes one model per T and the record.

    Args:
        result: What `tfsnn.calibrate` returned.
        record: What goes into calibration.json.
        folder: An existing folder.
    """
    text = _text(record)
    for timesteps in result:
        result[timesteps].save(folder / file_name(timesteps))
    (folder / RECORD).write_text(f"{text}\n", encoding="utf-8")


def _text(record: dict[str, Any]) -> str:
    # NaN and Infinity are not JSON, though Python would write them.
    return json.dumps(record, indent=2, allow_nan=False)


def _provenance(
    options: flags.FlagValues, timesteps: list[int], argv: list[str]
) -> dict[str, Any]:
    """Where the models come from."""
    preprocessing = flag_groups.preprocessing(options)
    return {
        "files": {str(T): file_name(T) for T in timesteps},
        "model": pathlib.Path(options.model).name,
        "model_sha256": model_files.sha256(options.model),
        "data": options.data,
        "preprocessing": preprocessing.describe(),
        FIELDS: preprocessing.to_dict(),
        "versions": quiet_start.versions(),
        "command": command_line.as_typed(argv),
    }
