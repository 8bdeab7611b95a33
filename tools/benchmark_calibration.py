"""Measures how the time of a Light calibration grows with depth.

Networks and images are random; every depth runs in the same process, after a
small warm-up run that is not counted. The ratio compares the seconds a layer
with those of the first depth: 1 means that the time grows like the depth.
"""

import sys

from absl import flags

from tfsnn_tools import benchmark_record, command_line, quiet_start

USAGE = "tfsnn benchmark calibration [--flags]"


def define_flags() -> flags.FlagValues:
    """The flags of this command."""
    values = flags.FlagValues()
    options = {"flag_values": values}
    flags.DEFINE_list("depths", ["20", "32", "44", "56"], "6n+2.", **options)
    flags.DEFINE_integer("timesteps", 32, "T.", 1, **options)
    flags.DEFINE_integer("images", 1024, "Calibration images.", 16, **options)
    flags.DEFINE_integer("iterations", 3, "Bias sweeps.", 0, **options)
    flags.DEFINE_string("output", None, "JSON file to write.", **options)
    return values


def calibration_seconds(
    depth: int, timesteps: int, num_images: int, iterations: int
) -> dict:
    """Seconds of one Light calibration of a CIFAR ResNet."""
    import keras
    import numpy as np

    import tfsnn
    from tfsnn_models import registry

    keras.utils.set_random_seed(0)
    conversion = tfsnn.convert(registry.build(f"resnet{depth}"))
    rng = np.random.default_rng(0)
    images = rng.normal(size=(num_images, 32, 32, 3)).astype("float32")
    result = tfsnn.calibrate(
        conversion,
        images,
        timesteps=[timesteps],
        pipeline=tfsnn.pipelines.light(iterations=iterations),
        max_images=num_images,
    )
    layers = len(conversion.neuron_names)
    return {
        "depth": depth,
        "neuron_layers": layers,
        "seconds": result.seconds,
        "seconds_per_layer": result.seconds / layers,
    }


def main(argv: list[str]) -> int:
    """Prints one row a depth; writes them all as JSON if asked."""
    options = define_flags()
    command_line.parse(argv, options)
    quiet_start.import_tensorflow()
    work = (options.timesteps, options.images, options.iterations)
    calibration_seconds(20, options.timesteps, 16, options.iterations)
    print("| depth | neuron layers | seconds | seconds a layer | ratio |")
    print("|---|---|---|---|---|")
    rows = []
    for depth in options.depths:
        row = calibration_seconds(int(depth), *work)
        first = rows[0] if rows else row
        row["ratio"] = row["seconds_per_layer"] / first["seconds_per_layer"]
        rows.append(row)
        print(
            f"| {row['depth']} | {row['neuron_layers']} | {row['seconds']:.1f}"
            f" | {row['seconds_per_layer']:.2f} | {row['ratio']:.2f} |",
            flush=True,
        )
    if options.output:
        benchmark_record.write(options.output, argv, rows)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
