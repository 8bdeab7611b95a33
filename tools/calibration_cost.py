"""Parts of the benchmark of costs, for a process of their own."""

import statistics
from collections.abc import Callable

from tfsnn_tools import process_memory, quiet_start, simulation_cell

TRAINED = ("WeightCalibration", "BlockCalibration")


def measured(
    width: int, timesteps: int, num_images: int, pipeline: str, repeats: int
) -> dict:
    """Calibrates a ResNet-20 once and runs T steps over the same images.

    Args:
        width: Channels of the first stage.
        timesteps: T.
        num_images: Random images, calibrated on and run.
        pipeline: One of `pipelines`.
        repeats: Timed forward and backward runs of each segment.

    Returns:
        `pass_seconds`, `calibration_seconds`, `ratio`, `peak_memory_mb` of the
        process after the calibration, `trained_share` of the time, and where
        weights were trained `iteration_ms` beside `gradient_ms` of one forward
        and backward run, mean over the segments.
    """
    quiet_start.import_tensorflow()
    import keras
    import numpy as np

    import tfsnn
    from tfsnn_models import registry

    keras.utils.set_random_seed(0)
    conversion = tfsnn.convert(registry.build("resnet20", width=width))
    rng = np.random.default_rng(0)
    shape = (num_images, *conversion.analog.inputs[0].shape[1:])
    images = rng.normal(size=shape).astype("float32")
    chosen = pipelines()[pipeline]()
    # Compiles what is compiled once a process, at a size that costs nothing.
    options = {"timesteps": [timesteps], "max_images": num_images}
    tfsnn.calibrate(conversion, images[:16], **options)
    result = tfsnn.calibrate(conversion, images, pipeline=chosen, **options)
    row = {
        "calibration_seconds": result.seconds,
        "peak_memory_mb": process_memory.peak_mb(),
        **training_cost(result, repeats),
    }
    labels = np.zeros(num_images, "int64")
    one_pass = tfsnn.evaluate(result[timesteps], (images, labels))
    row["pass_seconds"] = one_pass.seconds
    row["ratio"] = result.seconds / one_pass.seconds
    return row


def pipelines() -> dict[str, Callable]:
    """Names to pipelines; `light_once` is Light with one sweep of biases."""
    import tfsnn
    from tfsnn_tools.pipeline_names import PIPELINES

    named = {name: make for name, make in PIPELINES.items() if name != "best"}
    return {
        "light_once": lambda: tfsnn.pipelines.light(iterations=1),
        **named,
    }


def training_cost(result, repeats: int) -> dict:
    """What training took, and a forward and backward run beside it.

    Args:
        result: Of a calibration.
        repeats: Timed runs of each segment.

    Returns:
        `trained_share`, `iteration_ms` and `gradient_ms`, or the first alone
        where nothing was trained. Iterations are counted as if none had ended
        early: where some have, an iteration costs more than is said.
    """
    trained = [step for step in result.steps if step.strategy in TRAINED]
    seconds = sum(step.seconds for step in trained)
    row = {"trained_share": seconds / result.seconds}
    options = [
        s for s in result.pipeline.strategies if type(s).__name__ in TRAINED
    ]
    if not options:
        return row
    iterations = sum(one.iterations for one in options)
    names = {step.segment for step in trained}
    row["iteration_ms"] = 1e3 * seconds / (len(names) * iterations)
    models = [s.model for s in segments(result.conversion) if s.name in names]
    gradients = [
        gradient_seconds(model, options[0].batch_size, repeats)
        for model in models
    ]
    row["gradient_ms"] = 1e3 * statistics.mean(gradients)
    return row


def segments(conversion) -> list:
    """The segments of a conversion."""
    from tfsnn.conversion.check import is_head, is_neuron
    from tfsnn.graph.segments import cut

    return cut(conversion.graph, is_neuron=is_neuron, is_head=is_head)


def gradient_seconds(model, batch: int, repeats: int) -> float:
    """Median seconds of one forward and backward run of an affine model.

    Args:
        model: Of a segment.
        batch: Images.
        repeats: Timed runs, after one that is not.

    Returns:
        Seconds, with the gradients of all weights.
    """
    import tensorflow as tf

    inputs = [tf.random.normal([batch, *x.shape[1:]]) for x in model.inputs]

    @tf.function
    def gradients():
        with tf.GradientTape() as tape:
            output = model(inputs if len(inputs) > 1 else inputs[0])
            loss = tf.reduce_mean(tf.square(output))
        return [
            tf.convert_to_tensor(gradient)
            for gradient in tape.gradient(loss, model.trainable_variables)
            if gradient is not None
        ]

    (seconds,) = simulation_cell.in_turn(
        [lambda: [gradient.numpy() for gradient in gradients()]], repeats
    )
    return seconds
