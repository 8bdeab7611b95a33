"""Measures the folded simulation against the analog network.

    ratio = seconds of T steps / (T * seconds of the analog forward)

Both run in the same process, in turn, on the same images; a ratio of 1 means
that the neurons cost nothing beyond T forwards. Weights and images are random:
the time of a dense convolution does not depend on them.
"""

import json
import multiprocessing
import pathlib
import platform
import resource
import statistics
import sys
import time

from absl import flags

from tfsnn_tools import command_line

USAGE = "tfsnn benchmark_simulation [--flags]"
ANALOG_BATCHES = (64, 128)


def define_flags() -> flags.FlagValues:
    """The flags of this command."""
    values = flags.FlagValues()
    options = {"flag_values": values}
    flags.DEFINE_list("widths", ["16", "64"], "Widths.", **options)
    flags.DEFINE_list("timesteps", ["8", "32", "128"], "Every T.", **options)
    flags.DEFINE_list(
        "policies", ["float32", "mixed_bfloat16"], "Dtype policies.", **options
    )
    flags.DEFINE_list(
        "rows", ["128", "256", "512"], "Rows (T * images) tried.", **options
    )
    flags.DEFINE_integer("repeats", 5, "Timed runs of each.", 1, **options)
    flags.DEFINE_string("output", None, "JSON file to write.", **options)
    return values


def spiking_network(width: int, timesteps: int, policy: str):
    """A ResNet-20 with random weights, analog and spiking.

    Args:
        width: Channels of the first stage.
        timesteps: T.
        policy: Dtype policy of the spiking network.

    Returns:
        Analog model (float32, batch norms folded) and spiking model (spikes
        of 0 and 1).
    """
    import keras
    import numpy as np

    import tfsnn
    from tfsnn.calibration import MaximumThreshold
    from tfsnn.conversion import with_dtype_policy, with_unit_spikes
    from tfsnn_models import registry

    keras.utils.set_random_seed(0)
    conversion = tfsnn.convert(registry.build("resnet20", width=width))
    images = np.random.default_rng(0).normal(size=(16, 32, 32, 3))
    result = tfsnn.calibrate(
        conversion,
        images.astype("float32"),
        timesteps=[timesteps],
        pipeline=tfsnn.Pipeline("maximum", (MaximumThreshold("channel"),)),
    )
    spiking = with_unit_spikes(result[timesteps])
    if policy != "float32":
        spiking = with_dtype_policy(spiking, policy)
    return conversion.analog, spiking


def in_turn(functions: list, repeats: int) -> list[float]:
    """Median seconds of each function, run in turn after one warm-up."""
    for function in functions:
        function()
    seconds = [[] for _ in functions]
    for _ in range(repeats):
        for record, function in zip(seconds, functions, strict=True):
            start = time.perf_counter()
            function()
            record.append(time.perf_counter() - start)
    return [statistics.median(record) for record in seconds]


def measure(
    width: int, timesteps: int, policy: str, rows: list[int], repeats: int
) -> dict:
    """One cell of the table: the best micro-batch of those tried."""
    import numpy as np
    import tensorflow as tf

    analog, spiking = spiking_network(width, timesteps, policy)
    rng = np.random.default_rng(1)

    def runner(model, batch):
        images = tf.constant(rng.normal(size=(batch, 32, 32, 3)), tf.float32)
        call = tf.function(lambda x: model(x, training=False))
        return lambda: call(images).numpy()

    batches = sorted({max(1, row // timesteps) for row in rows})
    functions = [runner(analog, batch) for batch in ANALOG_BATCHES]
    functions += [runner(spiking, batch) for batch in batches]
    seconds = in_turn(functions, repeats)
    analog_seconds = min(
        one / batch for one, batch in zip(seconds, ANALOG_BATCHES, strict=False)
    )
    spiking_seconds, batch = min(
        (one / batch, batch)
        for one, batch in zip(
            seconds[len(ANALOG_BATCHES) :], batches, strict=True
        )
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "width": width,
        "timesteps": timesteps,
        "policy": policy,
        "batch": batch,
        "analog_ms_per_image": 1e3 * analog_seconds,
        "spiking_ms_per_image": 1e3 * spiking_seconds,
        "ratio": spiking_seconds / (timesteps * analog_seconds),
        "peak_memory_mb": peak / 1024,
    }


def main(argv: list[str]) -> int:
    """Prints one row a cell; writes them all as JSON if asked."""
    options = define_flags()
    command_line.parse(argv, options)
    rows = [int(row) for row in options.rows]
    cells = [
        (int(width), int(T), policy, rows, options.repeats)
        for width in options.widths
        for T in options.timesteps
        for policy in options.policies
    ]
    print("| width | T | dtype | images | ANN ms | SNN ms | ratio | peak MB |")
    print("|---|---|---|---|---|---|---|---|")
    results = []
    spawn = multiprocessing.get_context("spawn")
    for cell in cells:
        # A process of its own, so that the peak memory is the cell's.
        with spawn.Pool(1) as pool:
            row = pool.apply(measure, cell)
        results.append(row)
        print(
            f"| {row['width']} | {row['timesteps']} | {row['policy']} |"
            f" {row['batch']} | {row['analog_ms_per_image']:.3f} |"
            f" {row['spiking_ms_per_image']:.2f} | {row['ratio']:.2f} |"
            f" {row['peak_memory_mb']:.0f} |",
            flush=True,
        )
    if options.output:
        record = {"machine": platform.platform(), "rows": results}
        pathlib.Path(options.output).write_text(json.dumps(record, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
