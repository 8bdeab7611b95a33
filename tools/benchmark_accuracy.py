"""Measures the drop from the analog network for each T and threshold.

One cell is a calibration and an evaluation at one T; finished cells are kept in
the output file, and a second run goes on where the first one stopped. A cell is
known by the model file, the data, the version of tfsnn and all options.
"""

import json
import pathlib
import sys

from absl import flags

from tfsnn_tools import (
    benchmark_record,
    benchmark_tables,
    cell_file,
    command_line,
    quiet_start,
)

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
    from tfsnn_tools.data_readers import Request

    return data_sources.load(
        f"{options.data}:{split}",
        Request((None, None, None), count, data_dir=options.data_dir),
    )


def measure(conversion, reference, images, test, key: dict) -> dict:
    """One cell: calibrates, evaluates, returns the row."""
    import tfsnn
    from tfsnn_tools import cell_measure

    pipeline = tfsnn.pipelines.light(
        per=key["per"],
        rounding=key["rounding"],
        iterations=key["iterations"],
    )
    return {
        **key,
        **cell_measure.measured(
            conversion,
            reference,
            images,
            test,
            pipeline=pipeline,
            timesteps=key["timesteps"],
            lag=key["lag"],
            max_images=key["images"],
            seed=key["seed"],
        ),
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
    done = cell_file.finished_cells(path)
    about = benchmark_record.origin(argv)
    for key in cells(options, len(images), len(test[0])):
        if cell_file.find(key, done):
            continue
        row = {**measure(conversion, reference, images, test, key), **about}
        cell_file.append(path, row)
        print(json.dumps(row), flush=True)
    rows = cell_file.finished_cells(path)
    print(f"\n{benchmark_tables.markdown(rows)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
