"""Compares pipelines and clocks: the drop from the analog network for each T.

One cell is a calibration and an evaluation at one T for one pipeline, clock,
kind of neuron and seed; finished cells are kept in the output file, and a
second run goes on where the first one stopped. The seed decides which images
calibrate.
"""

import json
import pathlib
import sys
from collections.abc import Iterator

from absl import app, flags

from tfsnn_tools import (
    benchmark_accuracy,
    benchmark_pipeline_tables,
    benchmark_record,
    cell_file,
    command_line,
    neuron_flags,
    quiet_start,
)

USAGE = "tfsnn benchmark pipelines --model=FILE --output=FILE [--flags]"
TWO_PHASE = "T"


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
    flags.DEFINE_list(
        "pipelines",
        None,
        "Every pipeline. By default light, and published_light with plain"
        " neurons.",
        **options,
    )
    flags.DEFINE_list(
        "lags",
        None,
        "Every lag; T: two-phase. By default 0; T with --neuron=bit_plane.",
        **options,
    )
    flags.DEFINE_list("timesteps", ["4", "8", "16"], "Every T.", **options)
    flags.DEFINE_list("seeds", ["0"], "Every calibration seed.", **options)
    flags.DEFINE_integer("images", 1024, "Calibration images.", 16, **options)
    flags.DEFINE_list(
        "test_images",
        ["2000"],
        "Numbers of test images; they share a calibration.",
        **options,
    )
    neuron_flags.define(values)
    return values


def cells(options: flags.FlagValues, num_images: int, pool: int) -> list[dict]:
    """The key of every calibration asked for.

    Args:
        options: Parsed flags.
        num_images: Calibration images of a cell.
        pool: Images that seeds draw them from.

    Returns:
        Plain types; keys differ if a result may differ.
    """
    from tfsnn_tools import model_files

    shared = {
        "model": pathlib.Path(options.model).name,
        "model_sha256": model_files.sha256(options.model)[:12],
        "data": options.data,
        "neuron": neuron_flags.label(options),
        "tfsnn": quiet_start.versions()["tfsnn"],
        "images": num_images,
        "pool": pool,
    }
    return [
        {
            "seed": int(seed),
            "clock": lag,
            "pipeline": pipeline,
            "timesteps": int(timesteps),
        }
        | shared
        for seed in options.seeds
        for lag in options.lags
        for pipeline in options.pipelines
        for timesteps in options.timesteps
    ]


def measure(conversion, images, tests: dict, key: dict) -> Iterator[dict]:
    """Calibrates once, yields a row for each number of test images.

    Args:
        conversion: Of the network.
        images: To calibrate on.
        tests: Number of test images to images, labels and predictions of the
            network.
        key: Of the calibration.

    Yields:
        A row.
    """
    from tfsnn_tools import cell_measure
    from tfsnn_tools.pipeline_names import PIPELINES

    timesteps = key["timesteps"]
    lag = timesteps if key["clock"] == TWO_PHASE else int(key["clock"])
    model, seconds = cell_measure.calibrated(
        conversion,
        images,
        pipeline=PIPELINES[key["pipeline"]](),
        timesteps=timesteps,
        lag=lag,
        max_images=key["images"],
        seed=key["seed"],
    )
    for count, (test_images, labels, reference) in tests.items():
        test = (test_images, labels)
        figures = cell_measure.evaluated(model, reference, test)
        yield {
            **key,
            "test_images": count,
            **figures,
            "calibration_seconds": seconds,
        }


def test_sets(
    options: flags.FlagValues, counts: list[int], model
) -> dict[int, tuple]:
    """Number of test images to images, labels and the network's predictions.

    Args:
        options: Parsed flags.
        counts: Numbers of test images.
        model: The network.

    Returns:
        In ascending order; each as a command with that number alone reads it.
    """
    sets = {}
    for count in sorted(counts):
        images, labels = benchmark_accuracy.load_split(options, "test", count)
        if len(images) not in sets:
            reference = model.predict(images, verbose=0)
            sets[len(images)] = (images, labels, reference)
    return sets


def fill_in(options: flags.FlagValues) -> None:
    """Sets pipelines and lags, where not given, to those of the neurons."""
    if not options.pipelines:
        published = ["published_light"] if options.neuron == "if" else []
        options.pipelines = [*published, "light"]
    if not options.lags:
        two_phase = options.neuron == "bit_plane"
        options.lags = [TWO_PHASE if two_phase else "0"]


def check_names(options: flags.FlagValues) -> None:
    """Raises a usage error for unknown pipelines and lags."""
    from tfsnn_tools.pipeline_names import PIPELINES

    unknown = sorted(set(options.pipelines) - set(PIPELINES))
    wrong = [
        lag for lag in options.lags if lag != TWO_PHASE and not lag.isdecimal()
    ]
    if unknown or wrong:
        raise app.UsageError(
            f"Received --pipelines={','.join(options.pipelines)} and"
            f" --lags={','.join(options.lags)}, of which"
            f" {', '.join([*unknown, *wrong])} is unknown. Supported pipelines:"
            f" {', '.join(PIPELINES)}; lags: whole numbers, or T for two-phase."
        )


def check_kind(options: flags.FlagValues, kind) -> None:
    """Raises a usage error for what a kind of neuron cannot have."""
    from tfsnn.calibration.refusals import check_steps
    from tfsnn_tools.pipeline_names import PIPELINES

    if kind.needs_two_phase and set(options.lags) != {TWO_PHASE}:
        raise app.UsageError(
            f"Received --lags={','.join(options.lags)} with"
            f" --neuron={options.neuron}, whose neurons fire the bits of all"
            " their input. Supported there: --lags=T. Leave --lags out."
        )
    for name in options.pipelines:
        try:
            check_steps(PIPELINES[name](), kind)
        except ValueError as error:
            raise app.UsageError(str(error)) from error


def main(argv: list[str]) -> int:
    """Prints one row a cell and appends it to the output; then a table."""
    options = define_flags()
    command_line.parse(argv, options, required=("model", "output"))
    fill_in(options)
    quiet_start.import_tensorflow()
    import tfsnn
    from tfsnn_tools.model_files import load_keras_model

    check_names(options)
    counts = command_line.whole_numbers(
        options, "test_images", low=1, required=True
    )
    config = tfsnn.ConversionConfig(**neuron_flags.conversion_options(options))
    check_kind(options, config.kind)
    model = load_keras_model(options.model)
    conversion = tfsnn.convert(model, config=config)
    # More than are used, so that seeds draw different ones.
    count = options.images * max(1, len(options.seeds))
    images, _ = benchmark_accuracy.load_split(options, "train", count)
    tests = test_sets(options, counts, model)
    path = pathlib.Path(options.output)
    # Rows from before there were others are of plain neurons.
    done = [{"neuron": "if", **row} for row in cell_file.finished_cells(path)]
    about = benchmark_record.origin(argv)
    used = min(options.images, len(images))
    for key in cells(options, used, len(images)):
        left = {
            count: test
            for count, test in tests.items()
            if not cell_file.find({**key, "test_images": count}, done)
        }
        if not left:
            continue
        for row in measure(conversion, images, left, key):
            cell_file.append(path, {**row, **about})
            print(json.dumps({**row, **about}), flush=True)
    rows = cell_file.finished_cells(path)
    print(f"\n{benchmark_pipeline_tables.markdown(rows)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
