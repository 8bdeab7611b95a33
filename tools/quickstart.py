"""Converts the network that ships with tfsnn, and shows it all.

A ResNet-20 trained on Fashion-MNIST becomes a spiking network for T = 8, 16
and 32, from 256 calibration images, and is measured on 500 test images. No
download is needed. Writes OUTPUT/saved_model (one TensorFlow SavedModel per T,
ready for TensorFlow Serving) and OUTPUT/report.json, all of it or nothing.
"""

import json
import pathlib
import time
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from absl import flags

import tfsnn
from tfsnn.export import reload_check
from tfsnn_tools import (
    command_line,
    data_sources,
    flag_groups,
    model_files,
    output_folder,
    quickstart_report,
    quiet_start,
    shipped,
)
from tfsnn_tools.data_readers import Request
from tfsnn_tools.quickstart_report import Row, Say

USAGE = "tfsnn quickstart [--output=DIR] [--overwrite]"
NETWORK, SAMPLE = "resnet20_fashion_mnist", "fashion_mnist"
TIMESTEPS = (8, 16, 32)
NUM_CALIBRATION, NUM_TEST, NUM_RELOAD = 256, 500, 16
SEED = 0
REPORT, SAVED_MODEL = "report.json", "saved_model"


def define_flags() -> flags.FlagValues:
    """The flags of this command."""
    values = flags.FlagValues()
    flag_groups.define_output(values, "tfsnn_quickstart")
    flag_groups.define_json(values)
    return values


def main(argv: list[str]) -> int:
    """Runs the whole chain on what ships with tfsnn.

    Args:
        argv: Program name and flags.

    Returns:
        0.

    Raises:
        TfsnnError: If the output folder exists, or the installation is not
            complete.
    """
    options = define_flags()
    command_line.parse(argv, options, required=("output",))
    place = {"marker": REPORT, "overwrite": options.overwrite}
    output_folder.check(options.output, **place)
    say = quickstart_report.narrator(silent=options.json)
    start = time.monotonic()
    job = _load(say)
    rows, light = _measure(job, say)
    with output_folder.replaced_whole(options.output, **place) as folder:
        reloads = _export(job, light, rows, folder / SAVED_MODEL, say)
        report = {
            "network": NETWORK,
            "network_sha256": model_files.sha256(job["network_file"]),
            "images": SAMPLE,
            "images_sha256": model_files.sha256(job["images_file"]),
            "num_calibration_images": len(job["calibration"]),
            "num_test_images": len(job["test"][1]),
            "rows": [row.to_dict() for row in rows],
            "reloaded": reloads,
            "calibration": light.to_dict(),
            "seed": SEED,
            "seconds": time.monotonic() - start,
            "versions": quiet_start.versions(),
            "machine": quiet_start.machine(),
            "command": command_line.as_typed(argv),
        }
        text = json.dumps(report, indent=2)
        (folder / REPORT).write_text(f"{text}\n", encoding="utf-8")
    if options.json:
        print(text)
    else:
        files = (job["network_file"], job["images_file"])
        quickstart_report.show(report, options.output, *files)
    return 0


def _load(say: Say) -> dict[str, Any]:
    """Network, images, conversion."""
    network_file = shipped.network(NETWORK)
    images_file = shipped.sample(SAMPLE)
    model = model_files.load_keras_model(network_file)
    say(str(tfsnn.check(model)))

    def read(part, count):
        return data_sources.load(
            f"npz:{images_file}:{part}",
            Request(model.inputs[0].shape[1:], count, seed=SEED),
        )

    calibration, _ = read("calibration", NUM_CALIBRATION)
    return {
        "network_file": network_file,
        "images_file": images_file,
        "model": model,
        "calibration": calibration,
        "test": read("test", NUM_TEST),
        "conversion": tfsnn.convert(
            model,
            # Spikes of 0 and 1 take less time, and are what hardware has.
            config=tfsnn.ConversionConfig(spikes="unit"),
            sample=calibration[:16],
        ),
    }


def _measure(
    job: Mapping[str, Any], say: Say
) -> tuple[list[Row], tfsnn.CalibrationResult]:
    """Every row of the table, and the Light-calibrated models."""
    say(f"Evaluating the ANN on {len(job['test'][1])} test images ...")
    rows = [Row("ANN", tfsnn.evaluate(job["model"], job["test"]))]
    reference = job["model"].predict(job["test"][0], verbose=0)
    say(
        f"Pipeline 'light' on {len(job['calibration'])} calibration images,"
        f" T = {', '.join(map(str, TIMESTEPS))} ..."
    )
    light = tfsnn.calibrate(
        job["conversion"],
        job["calibration"],
        timesteps=TIMESTEPS,
        pipeline=tfsnn.pipelines.light(),
        seed=SEED,
    )
    for timesteps in TIMESTEPS:
        say(f"Evaluating T = {timesteps} ...")
        for name, model in (
            ("uncalibrated", without_biases(light, timesteps)),
            ("light", light[timesteps]),
        ):
            evaluation = tfsnn.evaluate(model, job["test"], reference=reference)
            rows.append(Row(name, evaluation))
    return rows, light


def without_biases(
    light: tfsnn.CalibrationResult, timesteps: int
) -> keras.Model:
    """What pipeline `uncalibrated` would make: Light, its biases left out.

    Thresholds of least squares are those of the analog network's activations,
    whatever is calibrated, so the network need not be swept a second time.

    Args:
        light: What pipeline `light` found.
        timesteps: A T of it.

    Returns:
        The spiking model.
    """
    parameters = light.parameters[timesteps]
    return light.conversion.spiking_model(
        timesteps,
        lag=light.lags[timesteps],
        parameters={
            name: values.replace(bias=None)
            for name, values in parameters.items()
        },
    )


def _export(
    job: Mapping[str, Any],
    result: tfsnn.CalibrationResult,
    rows: list[Row],
    folder: pathlib.Path,
    say: Say,
) -> list[dict[str, Any]]:
    """Writes the SavedModels and compares them in a fresh process."""
    say("Writing one SavedModel per T ...")
    evaluations = {
        row.evaluation.timesteps: row.evaluation
        for row in rows
        if row.name == "light"
    }
    record = tfsnn.export_saved_model(
        result, folder, evaluations=evaluations, name=NETWORK
    )
    say("Reloading them in a fresh process, without tfsnn ...")
    images = np.asarray(job["test"][0][:NUM_RELOAD])
    reloads = reload_check(folder, images, record.expected(images))
    return [reload.to_dict() for reload in reloads.values()]
