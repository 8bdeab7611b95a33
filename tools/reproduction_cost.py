"""What a table would cost: cells, networks, multiply-accumulates, hours."""

import pathlib
import time
from collections.abc import Sequence

from tfsnn_models import datasets, layer_table, registry
from tfsnn_tools import model_files, reproduction_methods
from tfsnn_tools.reproduction_cells import Cell
from tfsnn_tools.reproduction_run import Job

PASSES = 2
"""Runs over the calibration images that a calibration amounts to."""
TRAINING = 3
"""Runs that an image of a batch amounts to: forward, and twice as much back."""
SIZES = {
    ("tfds:imagenet2012", "train"): 1_281_167,
    ("tfds:imagenet2012", "validation"): 50_000,
}
"""Images of splits."""
TRAIN_IMAGES, TEST_IMAGES = 50_000, 10_000
"""Of CIFAR-10, and taken for data of which nothing is known."""


def text(
    number: int,
    cells: Sequence[Cell],
    jobs: Sequence[Job],
    left: Sequence[Job],
) -> str:
    """What running these cells would take.

    Args:
        number: Of the table.
        cells: Of the table.
        jobs: Of the cells.
        left: Those that are not finished; the others cost nothing.

    Returns:
        Lines: one a network, and a sum.
    """
    speed = _measured_speed()
    finished = len(jobs) - len(left)
    note = f" {finished} of them are finished." if finished else ""
    lines = [f"Table {number}: {len(cells)} cells.{note}"]
    open_ones = [
        pair for pair in zip(cells, jobs, strict=True) if pair[1] in left
    ]
    total = 0.0
    for key in dict.fromkeys(cell.model_key for cell, _ in open_ones):
        pairs = [pair for pair in open_ones if pair[0].model_key == key]
        steps = sum(_steps(cell, job) for cell, job in pairs)
        macs = steps * _macs(*pairs[0])
        total += macs
        file = pairs[0][1].file
        state = "there" if pathlib.Path(file).is_file() else "MISSING"
        lines.append(
            f"  {key}: {len(pairs)} cells, {macs:.2e} multiply-accumulates,"
            f" about {_hours(macs, speed)}; '{file}' is {state}"
        )
    lines.append(
        f"Together about {_hours(total, speed)} at {speed:.1e} a second, which"
        " a convolution reaches here. Spiking runs are at times twice as slow."
    )
    return "\n".join(lines)


def _steps(cell: Cell, job: Job) -> float:
    """Forward steps of one image that a cell amounts to."""
    known = SIZES.get((job.data, job.test_split), TEST_IMAGES)
    tested = job.key["test_images"] or known
    calibrations = reproduction_methods.num_calibrations(cell.method)
    count = PASSES * calibrations * cell.images + tested
    if reproduction_methods.method(cell.method).trains:
        trained = SIZES.get((job.data, "train"), TRAIN_IMAGES)
        trained = job.hybrid_images or trained
        count += TRAINING * job.hybrid_epochs * trained
    # Weights are calibrated on means over time.
    without_time = TRAINING * reproduction_methods.num_training_images(
        cell.method, job.weight_iterations
    )
    return cell.timesteps * count + without_time


def _macs(cell: Cell, job: Job) -> int:
    """Of the trained network, or of what the zoo has in its place."""
    if pathlib.Path(job.file).is_file():
        model = model_files.load_keras_model(job.file)
        return layer_table.totals(layer_table.layer_table(model))[1]
    options = {"batch_norm": cell.batch_norm}
    card = datasets.CARDS.get(cell.dataset)
    if card is not None:
        options["num_classes"] = card.num_classes
        options["input_shape"] = card.input_shape
    build = registry.builder(cell.network)
    model = layer_table.without_weights(build, **options)
    return layer_table.totals(layer_table.layer_table(model))[1]


def _measured_speed() -> float:
    """Multiply-accumulates a second of one convolution on this machine."""
    import tensorflow as tf

    image = tf.ones([16, 32, 32, 64])
    kernel = tf.ones([3, 3, 64, 64])
    run = tf.function(lambda: tf.nn.conv2d(image, kernel, 1, "SAME"))
    run().numpy()
    start, count = time.monotonic(), 0
    while time.monotonic() - start < 0.3:
        run().numpy()
        count += 1
    macs = count * 16 * 32 * 32 * 64 * 9 * 64
    return macs / (time.monotonic() - start)


def _hours(macs: float, speed: float) -> str:
    seconds = macs / speed
    if seconds < 3600:
        return f"{seconds / 60:.1f} minutes"
    return f"{seconds / 3600:.1f} hours"
