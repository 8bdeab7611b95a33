"""Runs the folded model and counts on the way."""

import keras
import numpy as np
import tensorflow as tf

from tfsnn.conversion.single_step import applied, store
from tfsnn.conversion.timetable import Timetable
from tfsnn.dynamics.time import fold, repeat, unfold
from tfsnn.graph.view import Call
from tfsnn.inputs import Images

from .runners import (
    BatchCounts,
    as_counts,
    by_neuron,
    compiled,
    hits_of,
    signature,
)

EXACT_ROWS = 1024
"""n float32 numbers add up with an error of at most n^2 / 2^24 of them: below
that many, less than a tenth."""


class FoldedRunner:
    """All T steps of a layer at once; see `Runner`."""

    execution = "folded"

    def __init__(self, model: keras.Model, table: Timetable):
        """Makes the graph.

        Args:
            model: A spiking model with one output `[B, K]`.
            table: Its timetable.
        """
        self.neuron_names = [call.name for call in table.neurons]
        self.has_prefixes = table.has_prefixes
        self._table = table
        (self._output,) = model.outputs
        self._constants = constants_of_finale(table)
        taps = [
            [call.input_tensors[0] for call in table.readouts],
            self._constants,
            [call.outputs for call in table.neurons],
        ]
        self._tapped = keras.Model(model.inputs, taps)
        self._count = compiled(self._counted, signature(model.inputs))

    def __call__(self, images: Images, targets: np.ndarray) -> BatchCounts:
        """Counts hits and spikes, see `Runner`."""
        hits, spikes, accumulates, neurons = self._count(images, targets)
        return as_counts(hits, spikes, accumulates, neurons.numpy())

    def _counted(self, images, targets):
        readouts, constants, trains = self._tapped(images, training=False)
        means = [
            self._means(call, folded)
            for call, folded in zip(self._table.readouts, readouts, strict=True)
        ]
        logits = self._finished(means, constants)
        timesteps = self._table.timesteps
        pairs = list(zip(self._table.neurons, trains, strict=True))
        spikes = [count_events(call, train) for call, train in pairs]
        accumulates = [
            count
            if call.operation.cell.kind.is_plain
            else count_accumulates(call, train)
            for (call, train), count in zip(pairs, spikes, strict=True)
        ]
        neurons = [tf.size(train, tf.int64) // timesteps for train in trains]
        neurons = tf.cast(tf.stack(neurons), tf.float64)
        return hits_of(logits, targets), spikes, accumulates, neurons

    def _means(self, call, folded):
        """Means over the first 1...T steps, or over all: `[n, B, ...]`."""
        folded = tf.cast(folded, call.operation.variable_dtype)
        steps = unfold(folded, self._table.timesteps)
        steps = call.operation.weighted(steps)
        if self.has_prefixes:
            return prefix_means(steps)
        return tf.reduce_mean(steps, axis=0)[None]

    def _finished(self, means, constants):
        """What follows the read-outs, for all n means at once."""
        if not self._table.finale:
            return means[0]
        count = self._table.timesteps if self.has_prefixes else 1
        values = {
            id(tensor): repeat(constant, count)
            for tensor, constant in zip(self._constants, constants, strict=True)
        }
        for call, mean in zip(self._table.readouts, means, strict=True):
            store(values, call.outputs, fold(mean))
        for call in self._table.finale:
            outputs = applied(call, lambda tensor: values[id(tensor)])
            store(values, call.outputs, outputs)
        return unfold(values[id(self._output)], count)


def constants_of_finale(table: Timetable) -> list[keras.KerasTensor]:
    """Tensors without time that meet the read-outs behind them.

    Args:
        table: Timetable of a spiking model.

    Returns:
        What the finale reads and neither makes nor gets from a read-out.
    """
    made = [call.outputs for call in (*table.readouts, *table.finale)]
    made = {id(tensor) for tensor in keras.tree.flatten(made)}
    read = [call.input_tensors for call in table.finale]
    read = {id(tensor): tensor for tensor in keras.tree.flatten(read)}
    return [tensor for key, tensor in read.items() if key not in made]


def prefix_means(steps: tf.Tensor) -> tf.Tensor:
    """Means over the first 1, 2, ... T steps.

    Args:
        steps: `[T, B, ...]`.

    Returns:
        `[T, B, ...]`.
    """
    lengths = tf.range(1, tf.shape(steps)[0] + 1)
    lengths = tf.reshape(lengths, [-1] + [1] * (len(steps.shape) - 1))
    # A plain `/` by constants becomes a product with their rounded inverses.
    return tf.math.divide_no_nan(
        tf.cumsum(steps, axis=0), tf.cast(lengths, steps.dtype)
    )


def count_events(call: Call, train: tf.Tensor) -> tf.Tensor:
    """Counts the steps at which the neurons of a layer sent a spike.

    Plain neurons send 0 or one value each, so that their sum tells it in one
    pass over their output, where it is short enough not to round.

    Args:
        call: The neuron.
        train: Its output, folded `[T*B, ...]`.

    Returns:
        Steps, see `by_neuron`.
    """

    def compared():
        return by_neuron(tf.cast(train != 0, tf.float32))

    def added():
        unit = tf.cast(_unit(call.operation.cell), tf.float64)
        return tf.round(by_neuron(train) / unit)

    wide = train.dtype in (tf.float32, tf.float64)
    if not call.operation.cell.kind.is_plain or not wide:
        return compared()
    return tf.cond(tf.shape(train)[0] <= EXACT_ROWS, added, compared)


def count_accumulates(call: Call, train: tf.Tensor) -> tf.Tensor:
    """Counts what the spikes of a layer cost those that receive them.

    Args:
        call: The neuron.
        train: Its output, folded `[T*B, ...]`.

    Returns:
        Additions a connection, see `by_neuron`.
    """
    cell = call.operation.cell
    spikes = tf.cast(train, cell.variable_dtype) / _unit(cell)
    return by_neuron(tf.cast(cell.kind.accumulates(spikes), tf.float32))


def _unit(cell):
    """What a spike of one threshold is worth."""
    return cell.emitted(tf.ones([], cell.variable_dtype))
