"""Trains a copy of weights, and keeps what is best on images held out."""

import math
from collections.abc import Callable, Iterator
from typing import Protocol

import keras
import numpy as np
import tensorflow as tf
from absl import logging

from tfsnn.progress import progress_bar

from .descent import descend
from .training_options import TrainingOptions

HELD_OUT = 4
"""One image in this many watches the training."""
EXPLOSION = 10.0
"""Growth of the held-out error, or of the kernels by their own size, that is
divergence."""
WATCHED_BATCH = 128

Error = Callable[[tf.Tensor, tf.Tensor | None], tf.Tensor]


class Trainable(Protocol):
    """What can be trained, as `SegmentCopy`.

    Attributes:
        variables: What is changed.
    """

    variables: list[keras.Variable]

    def change(self) -> tf.Tensor:
        """How far the kernels are from where they started."""

    def masked(self, gradients: list[tf.Tensor]) -> list[tf.Tensor]:
        """Gradients of `variables` without those that must be 0."""

    def snapshot(self) -> list[np.ndarray]:
        """Values of `variables`."""

    def restore(self, snapshot: list[np.ndarray]) -> None:
        """Sets `variables` to a `snapshot`."""


def fit(
    name: str,
    copy: Trainable,
    error: Error,
    num_images: int,
    options: TrainingOptions,
) -> bool:
    """Minimises an error over images.

    A quarter of the images is not trained on; what is best on it is kept.

    Args:
        name: Of what is trained, for messages.
        copy: Holds the best at the end, if anything better was found.
        error: Numbers of images int32 `[B]` and the step to the error of
            these, a scalar; where it is measured, and nothing is to be
            dropped, the step is None.
        num_images: N.
        options: See `TrainingOptions`.

    Returns:
        Whether anything better was found.
    """
    step, measured = _graphs(copy, error, options)
    number = np.arange(num_images)
    held = number % HELD_OUT == HELD_OUT - 1
    watched = number[held] if held.any() else number
    watch = _Watch(
        copy, lambda: _mean_error(measured, watched), options.patience
    )
    _run(name, step, _batches(number[~held], options), watch, options)
    if watch.best is not None:
        copy.restore(watch.best)
    return watch.best is not None


def _graphs(copy, error, options):
    """One step of training, and the error, as graphs of image numbers `[B]`."""
    optimizer = _optimizer(options)
    optimizer.build(copy.variables)
    numbers = [tf.TensorSpec([None], tf.int32)]

    def step(images):
        with tf.GradientTape() as tape:
            loss = error(images, tf.cast(optimizer.iterations.value, tf.int32))
            if options.weight_penalty:
                loss += options.weight_penalty * copy.change()
        gradients = tape.gradient(
            loss,
            [variable.value for variable in copy.variables],
            unconnected_gradients="zero",
        )
        descend(optimizer, copy.masked(gradients), copy.variables)

    # Not called as they are: TensorFlow would warn of a new one a segment.
    return (
        tf.function(step, input_signature=numbers).get_concrete_function(),
        tf.function(
            lambda n: error(n, None), input_signature=numbers
        ).get_concrete_function(),
    )


def _optimizer(options):
    rate = keras.optimizers.schedules.CosineDecay(
        options.learning_rate, options.iterations
    )
    if options.optimizer == "adam":
        return keras.optimizers.Adam(rate)
    return keras.optimizers.SGD(rate, momentum=options.momentum)


def _batches(
    numbers: np.ndarray, options: TrainingOptions
) -> Iterator[np.ndarray]:
    """Image numbers, without replacement within an epoch; whole batches."""
    generator = np.random.default_rng(options.seed)
    size = min(options.batch_size, len(numbers))
    while True:
        shuffled = generator.permutation(numbers).astype("int32")
        for start in range(0, len(numbers) - size + 1, size):
            yield shuffled[start : start + size]


def _mean_error(error, numbers):
    total = 0.0
    for start in range(0, len(numbers), WATCHED_BATCH):
        part = numbers[start : start + WATCHED_BATCH].astype("int32")
        total += float(error(tf.constant(part))) * len(part)
    return total / len(numbers)


class _Watch:
    """Keeps what is best on the held-out images; says when to stop."""

    def __init__(self, copy: Trainable, error: Callable, patience: int):
        self._copy = copy
        self._error = error
        self._patience = patience
        self._waited = 0
        self.start = self.last = self._lowest = error()
        self.moved = 0.0
        self.best: list[np.ndarray] | None = None

    @property
    def has_diverged(self) -> bool:
        return not (
            self.last <= EXPLOSION * self.start and self.moved <= EXPLOSION
        )

    @property
    def is_over(self) -> bool:
        return self.has_diverged or self._waited >= self._patience

    def look(self):
        """Measures the weights of now."""
        self.last = self._error()
        self.moved = math.sqrt(float(self._copy.change()))
        values = self._copy.snapshot()
        if not all(np.isfinite(value).all() for value in values):
            self.last = math.nan
        # A saturated layer is content with kernels of any size.
        if self.last < self._lowest and not self.has_diverged:
            self._lowest, self.best, self._waited = self.last, values, 0
        else:
            self._waited += 1


def _run(name, step, batches, watch, options):
    if watch.start == 0:  # Nothing can be better.
        return
    with progress_bar(
        options.iterations,
        description=f"training {name}",
        unit="step",
        shown=options.progress,
    ) as bar:
        for number in range(1, options.iterations + 1):
            if watch.is_over:
                break
            step(tf.constant(next(batches)))
            if number % options.check_every == 0 or (
                number == options.iterations
            ):
                watch.look()
            bar.update()
    if watch.has_diverged:
        logging.warning(
            "Weight calibration of layer '%s' diverged at learning_rate=%g:"
            " its held-out error went from %g to %g, its kernels by %.2g times"
            " their size. Supported: up to %g times. Kept the best weights"
            " before that; lower the learning rate.",
            name,
            options.learning_rate,
            watch.start,
            watch.last,
            watch.moved,
            EXPLOSION,
        )
