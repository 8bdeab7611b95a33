"""Trains copies of one segment's weights on mean inputs."""

import math
from collections.abc import Callable, Iterator

import keras
import numpy as np
import tensorflow as tf
from absl import logging

from tfsnn.dynamics.neuron_kind import NeuronKind
from tfsnn.dynamics.response import drop_quantiser, quantised
from tfsnn.graph.segments import Segment
from tfsnn.progress import progress_bar
from tfsnn.types import NeuronParameters

from .segment_copy import SegmentCopy
from .training_options import TrainingOptions

HELD_OUT = 4
"""One image in this many watches the training."""
EXPLOSION = 10.0
"""Growth of the held-out error that is divergence."""
WATCHED_BATCH = 128


def train_segment(
    segment: Segment,
    training_set: tuple[list[np.ndarray], np.ndarray],
    parameters: NeuronParameters,
    timesteps: int,
    *,
    kind: NeuronKind,
    options: TrainingOptions,
    fixed: frozenset[str] = frozenset(),
) -> NeuronParameters:
    """Minimises the squared error of the neuron's mean output (Eq. 17).

        sum_c mean_{N,H,W} (Q(W r_in + b; theta, v0, T) - a)^2

    Q is `tfsnn.dynamics.quantised` with the levels of the kind. A quarter of
    the images is not trained on; the weights that are best on it are kept.
    Weights that are 0 stay 0. The layers of the segment are not changed.

    Args:
        segment: The segment; it has a neuron.
        training_set: r_in, mean outputs of its sources over time, `[N, ...]`
            each, in the order of `segment.sources`; and a, analog activations,
            `[N, ..., C]`; activation units.
        parameters: Of the neuron; weights in it come before the layers'.
        timesteps: T.
        kind: Kind of the neuron.
        options: See `TrainingOptions`.
        fixed: Names of layers that are not trained.

    Returns:
        The parameters with trained weights, or `parameters` itself if nothing
        better was found or no layer has a kernel to train.

    References:
        Li et al., A Free Lunch From ANN, ICML 2021, section 4.3, Eq. 17-18.
    """
    copy = SegmentCopy(
        segment,
        parameters,
        fixed=fixed,
        train_bias=options.train_bias,
        train_threshold=options.train_threshold,
    )
    if not copy.kernels:
        return parameters
    inputs, target = training_set
    data = [tf.convert_to_tensor(values) for values in (*inputs, target)]
    step, error = _graphs(copy, data, timesteps, kind, options)
    number = np.arange(len(target))
    held = number % HELD_OUT == HELD_OUT - 1
    watched = number[held] if held.any() else number
    watch = _Watch(copy, lambda: _mean_error(error, watched), options.patience)
    batches = _batches(number[~held], options)
    _run(segment.name, step, batches, watch, options)
    if watch.best is None:
        return parameters
    copy.restore(watch.best)
    return copy.parameters()


def _graphs(
    copy: SegmentCopy,
    data: list,
    timesteps: int,
    kind: NeuronKind,
    options: TrainingOptions,
) -> tuple[Callable, Callable]:
    """One step of training, and the error, as graphs of image numbers `[B]`."""
    *sources, target = data
    quantiser = kind.quantiser(timesteps)
    optimizer = _optimizer(options)
    optimizer.build(copy.variables)
    numbers = [tf.TensorSpec([None], tf.int32)]

    def error(images, dropping):
        current = copy.current([tf.gather(s, images) for s in sources])
        threshold, potential = copy.neuron()
        if options.rounding == "floor":
            potential = tf.zeros_like(potential)
        output = quantised(
            current, threshold, potential, timesteps, quantiser=quantiser
        )
        if dropping:
            step = tf.cast(optimizer.iterations.value, tf.int32)
            output = drop_quantiser(
                output,
                current,
                quantiser.largest_value(threshold),
                probability=options.drop_quantiser,
                seed=tf.stack([options.seed, step]),
            )
        difference = output - tf.cast(tf.gather(target, images), copy.dtype)
        return tf.reduce_mean(tf.reduce_sum(tf.square(difference), axis=-1))

    def step(images):
        with tf.GradientTape() as tape:
            loss = error(images, options.drop_quantiser > 0)
            if options.weight_penalty:
                loss += options.weight_penalty * copy.change()
        gradients = tape.gradient(
            loss,
            [variable.value for variable in copy.variables],
            unconnected_gradients="zero",
        )
        optimizer.apply(copy.masked(gradients), copy.variables)

    return (
        tf.function(step, input_signature=numbers),
        tf.function(lambda n: error(n, False), input_signature=numbers),
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

    def __init__(self, copy: SegmentCopy, error: Callable, patience: int):
        self._copy = copy
        self._error = error
        self._patience = patience
        self._waited = 0
        self.start = self.last = self._lowest = error()
        self.best: list[np.ndarray] | None = None

    @property
    def has_diverged(self) -> bool:
        return not self.last <= EXPLOSION * self.start

    @property
    def is_over(self) -> bool:
        return self.has_diverged or self._waited >= self._patience

    def look(self):
        """Measures the weights of now."""
        self.last = self._error()
        values = self._copy.snapshot()
        if not all(np.isfinite(value).all() for value in values):
            self.last = math.nan
        if self.last < self._lowest:
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
            " its held-out error went from %g to %g. Supported: growth up to"
            " %g times. Kept the best weights before that; lower the learning"
            " rate.",
            name,
            options.learning_rate,
            watch.start,
            watch.last,
            EXPLOSION,
        )
