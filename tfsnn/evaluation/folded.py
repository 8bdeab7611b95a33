"""Runs the folded model and counts on the way."""

import math

import keras
import numpy as np
import tensorflow as tf

from tfsnn.conversion.timetable import Timetable
from tfsnn.dynamics.time import unfold
from tfsnn.graph.view import Call

from .runners import BatchCounts, hits_of, signature


class FoldedRunner:
    """All T steps of a layer at once; see `Runner`."""

    execution = "folded"

    def __init__(self, model: keras.Model, table: Timetable):
        """Makes the graph.

        Args:
            model: A spiking model with one read-out.
            table: Its timetable.
        """
        (readout,) = table.readouts
        self.num_neurons = neurons_by_name(table)
        self.has_prefixes = not table.max_lag
        taps = [call.outputs for call in (readout, *table.neurons)]
        taps[0] = readout.input_tensors[0]
        tapped = keras.Model(model.inputs, taps)
        dtype = readout.operation.variable_dtype

        @tf.function(input_signature=signature(model.inputs[0]))
        def count(images, targets):
            logits, *trains = tapped(images, training=False)
            steps = unfold(tf.cast(logits, dtype), table.timesteps)
            if self.has_prefixes:
                means = prefix_means(steps)
            else:
                means = tf.reduce_mean(steps, axis=0)[None]
            spikes = [
                count_spikes(call, train, table.timesteps)
                for call, train in zip(table.neurons, trains, strict=True)
            ]
            return hits_of(means, targets), tf.stack(spikes)

        self._count = count

    def __call__(self, images: np.ndarray, targets: np.ndarray) -> BatchCounts:
        """Counts hits and spikes, see `Runner`."""
        hits, spikes = self._count(images, targets)
        return BatchCounts(hits.numpy(), spikes.numpy())


def neurons_by_name(table: Timetable) -> dict[str, int]:
    """Layer name to the number of its neurons for one image.

    Args:
        table: Timetable of a spiking model.

    Returns:
        One entry a neuron layer, in order.
    """
    return {
        call.name: math.prod(call.outputs.shape[1:]) for call in table.neurons
    }


def prefix_means(steps: tf.Tensor) -> tf.Tensor:
    """Means over the first 1, 2, ... T steps.

    Args:
        steps: `[T, B, K]`.

    Returns:
        `[T, B, K]`.
    """
    lengths = tf.range(1, tf.shape(steps)[0] + 1)[:, None, None]
    # A plain `/` by constants becomes a product with their rounded inverses.
    return tf.math.divide_no_nan(
        tf.cumsum(steps, axis=0), tf.cast(lengths, steps.dtype)
    )


def count_spikes(call: Call, train: tf.Tensor, timesteps: int) -> tf.Tensor:
    """Counts the spikes of a layer in one pass over its output.

    Args:
        call: The neuron.
        train: Its output, folded `[T*B, ...]`, 0 or the value of a spike.
        timesteps: T.

    Returns:
        Number of spikes, float64 `[]`.
    """
    cell = call.operation.cell
    value = cell.emitted(tf.ones([], cell.variable_dtype))
    value = tf.cast(tf.cast(value, train.dtype), cell.variable_dtype)
    sums = unfold(tf.cast(train, cell.variable_dtype), timesteps)
    # At most T spikes of one value: the quotient is whole up to rounding.
    counts = tf.round(tf.reduce_sum(sums, axis=0) / value)
    return tf.reduce_sum(tf.cast(counts, tf.float64))
