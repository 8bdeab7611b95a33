"""Parts of the simulation benchmark, each for a process of its own.

One process builds, calibrates and saves; a second one loads and times; a third
one loads and runs the spiking model alone, so that its peak memory is that of
a simulation and of nothing else.
"""

import concurrent.futures
import multiprocessing
import pathlib
import statistics
import time
from collections.abc import Callable
from typing import Any

from tfsnn_tools import process_memory, quiet_start

ANALOG_BATCHES = (64, 128)
EXECUTIONS = ("folded", "stepping")
ANALOG, SPIKING = "analog.keras", "spiking.keras"


def in_child(function: Callable, *arguments: Any) -> Any:
    """What a function gives in a fresh process, which then ends."""
    spawn = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=spawn) as pool:
        return pool.submit(function, *arguments).result()


def write_models(
    folder: pathlib.Path, width: int, timesteps: int, policy: str
) -> None:
    """Saves a ResNet-20 with random weights, analog and spiking.

    Args:
        folder: Where: `analog.keras` (float32, batch norms folded) and
            `spiking.keras` (spikes of 0 and 1).
        width: Channels of the first stage.
        timesteps: T.
        policy: Dtype policy of the spiking network.
    """
    quiet_start.import_tensorflow()
    import keras
    import numpy as np

    import tfsnn
    from tfsnn.calibration import MaximumThreshold
    from tfsnn.conversion import with_dtype_policy
    from tfsnn_models import registry

    keras.utils.set_random_seed(0)
    conversion = tfsnn.convert(
        registry.build("resnet20", width=width),
        config=tfsnn.ConversionConfig(spikes="unit"),
    )
    images = np.random.default_rng(0).normal(size=(16, 32, 32, 3))
    result = tfsnn.calibrate(
        conversion,
        images.astype("float32"),
        timesteps=[timesteps],
        pipeline=tfsnn.pipelines.uncalibrated(
            threshold=MaximumThreshold("channel")
        ),
    )
    spiking = result[timesteps]
    if policy != "float32":
        spiking = with_dtype_policy(spiking, policy)
    conversion.analog.save(folder / ANALOG)
    spiking.save(folder / SPIKING)


def best_times(
    folder: pathlib.Path, execution: str, batches: list[int], repeats: int
) -> dict[str, float]:
    """Times both networks in turn, each at its best batch size.

    Args:
        folder: What `write_models` wrote.
        execution: `"folded"` or `"stepping"`.
        batches: Images at once, tried for the spiking network.
        repeats: Timed runs of each.

    Returns:
        `batch`, `analog_ms_per_image`, `spiking_ms_per_image`.
    """
    quiet_start.import_tensorflow()
    analog = _runners(folder / ANALOG, "folded", ANALOG_BATCHES)
    spiking = _runners(folder / SPIKING, execution, batches)
    seconds = in_turn([*analog, *spiking], repeats)
    tried = zip(seconds, (*ANALOG_BATCHES, *batches), strict=True)
    per_image = [(one / batch, batch) for one, batch in tried]
    best_analog, _ = min(per_image[: len(ANALOG_BATCHES)])
    best_spiking, batch = min(per_image[len(ANALOG_BATCHES) :])
    return {
        "batch": batch,
        "analog_ms_per_image": 1e3 * best_analog,
        "spiking_ms_per_image": 1e3 * best_spiking,
    }


def peak_memory_mb(folder: pathlib.Path, execution: str, batch: int) -> float:
    """Peak memory of a process that loads the spiking model and runs it.

    Args:
        folder: What `write_models` wrote.
        execution: `"folded"` or `"stepping"`.
        batch: Images at once.

    Returns:
        Megabytes, TensorFlow itself included.
    """
    quiet_start.import_tensorflow()
    (run,) = _runners(folder / SPIKING, execution, [batch])
    run()
    run()
    return process_memory.peak_mb()


def in_turn(functions: list[Callable], repeats: int) -> list[float]:
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


def _runners(path, execution, batches):
    """A function without arguments for each batch size."""
    import numpy as np
    import tensorflow as tf

    from tfsnn.conversion import CompiledNeurons, SteppingForm
    from tfsnn_tools.model_files import load_keras_model

    model = load_keras_model(path)
    forward = lambda images: model(images, training=False)  # noqa: E731
    if execution == "stepping":
        forward = SteppingForm(model, neurons=CompiledNeurons()).run
    rng = np.random.default_rng(1)

    def runner(batch):
        shape = (batch, *model.inputs[0].shape[1:])
        images = tf.constant(rng.normal(size=shape), tf.float32)
        call = tf.function(forward)
        return lambda: call(images).numpy()

    return [runner(batch) for batch in batches]
