"""Measures the drop from the analog network for each T and threshold.

One cell is a calibration and an evaluation at one T; finished cells are kept in
the output file, and a second run goes on where the first one stopped. A cell is
known by the model file, the data, the version of tfsnn and all options.
"""

import json
import pathlib
import sys
import time

from absl import flags

from tfsnn_tools import benchmark_tables, command_line, quiet_start

USAGE = "tfsnn benchmark accuracy --model=FILE --output=FILE [--flags]"


def define_flags() -> flags.FlagValues:
    """The flags of this command."""
    values = flags.FlagValues()
    options = {"flag_values": values}
    flags.DEFINE_string("model", None, "Trained model, .keras.", **options)
    flags.DEFINE_string("output", None, "JSON-lines file to extend.", **options)
    flags.DEFINE_string(
        "data", "tfds:cifar10", "Calibrates on train, tests on test.", **options
    )
    flags.DEFINE_string("data_dir", None, "TFDS directory.", **options)
    flags.DEFINE_list("timesteps", ["8", "16", "32"], "Every T.", **options)
    flags.DEFINE_list("per", ["layer", "channel"], "Granularity.", **options)
    flags.DEFINE_list("rounding", ["floor", "round"], "Quantiser.", **options)
    flags.DEFINE_integer("iterations", 3, "Bias sweeps.", 0, **options)
    flags.DEFINE_integer("lag", 0, "Lag.", 0, **options)
    flags.DEFINE_integer("images", 256, "Calibration images.", 16, **options)
    flags.DEFINE_integer("test_images", 2000, "Test images.", 1, **options)
    flags.DEFINE_integer("seed", 0, "Calibration seed.", **options)
    return values


def finished_cells(path: pathlib.Path) -> list[dict]:
    """Rows of earlier runs."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text().splitlines()]


def cells(
    options: flags.FlagValues, num_images: int, num_test_images: int
) -> list[dict]:
    """The key of every cell asked for.

    Args:
        options: Parsed flags.
        num_images: Calibration images there are.
        num_test_images: Test images there are.

    Returns:
        Plain types; keys differ if a result may differ.
    """
    from tfsnn_tools import model_files

    shared = {
        "model": pathlib.Path(options.model).name,
        "model_sha256": model_files.sha256(options.model)[:12],
        "data": options.data,
        "tfsnn": quiet_start.versions()["tfsnn"],
        "iterations": options.iterations,
        "lag": options.lag,
        "images": num_images,
        "test_images": num_test_images,
        "seed": options.seed,
    }
    return [
        {"timesteps": int(timesteps), "per": per, "rounding": rounding} | shared
        for timesteps in options.timesteps
        for per in options.per
        for rounding in options.rounding
    ]


def load_split(options, split: str, count: int):
    """Images and labels of one split."""
    from tfsnn_tools import data_sources

    return data_sources.load(
        f"{options.data}:{split}",
        max_images=count,
        input_shape=(None, None, None),
        data_dir=options.data_dir,
    )


def measure(conversion, reference, images, test, key: dict) -> dict:
    """One cell: calibrates, evaluates, returns the row."""
    import tfsnn

    start = time.monotonic()
    result = tfsnn.calibrate(
        conversion,
        images,
        timesteps=[key["timesteps"]],
        pipeline=tfsnn.pipelines.light(
            per=key["per"],
            rounding=key["rounding"],
            iterations=key["iterations"],
        ),
        config=tfsnn.SweepConfig(lag=key["lag"]),
        max_images=key["images"],
        seed=key["seed"],
    )
    calibrated = time.monotonic() - start
    evaluation = tfsnn.evaluate(
        result[key["timesteps"]], test, reference=reference
    )
    return {
        **key,
        "analog": evaluation.reference_accuracy,
        "accuracy": evaluation.accuracy,
        "drop": 100 * (evaluation.reference_accuracy - evaluation.accuracy),
        "agreement": evaluation.agreement,
        "calibration_seconds": calibrated,
        "evaluation_seconds": evaluation.seconds,
    }


def main(argv: list[str]) -> int:
    """Prints one row a cell and appends it to the output; then tables."""
    options = define_flags()
    command_line.parse(argv, options, required=("model", "output"))
    quiet_start.import_tensorflow()
    import tfsnn
    from tfsnn_tools.model_files import load_keras_model

    model = load_keras_model(options.model)
    conversion = tfsnn.convert(model)
    images, _ = load_split(options, "train", options.images)
    test = load_split(options, "test", options.test_images)
    reference = model.predict(test[0], verbose=0)
    path = pathlib.Path(options.output)
    done = finished_cells(path)
    about = {"machine": quiet_start.machine(), "command": " ".join(argv)}
    for key in cells(options, len(images), len(test[0])):
        if any(key.items() <= row.items() for row in done):
            continue
        row = {**measure(conversion, reference, images, test, key), **about}
        with path.open("a") as file:
            file.write(json.dumps(row) + "\n")
        print(json.dumps(row), flush=True)
    print(f"\n{benchmark_tables.markdown(finished_cells(path))}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
