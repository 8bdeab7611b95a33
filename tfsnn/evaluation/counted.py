"""Runs the count form of a two-phase network; its price is free of T."""

import keras
import numpy as np
import tensorflow as tf

from tfsnn.conversion.counting_model import counting_graph
from tfsnn.conversion.timetable import Timetable
from tfsnn.graph.view import Call, Graph
from tfsnn.inputs import Images
from tfsnn.layers import CountActivation

from .runners import (
    BatchCounts,
    as_counts,
    by_neuron,
    compiled,
    hits_of,
    signature,
)


class CountRunner:
    """Means over time instead of steps; see `Runner`."""

    execution = "counts"
    has_prefixes = False

    def __init__(self, graph: Graph, table: Timetable):
        """Makes the graph.

        Args:
            graph: A two-phase spiking model with one output `[B, K]`.
            table: Its timetable.

        Raises:
            ConversionError: As `counting_model`.
        """
        counting = counting_graph(graph, table)
        self._neurons = [
            call
            for call in counting
            if isinstance(call.operation, CountActivation)
        ]
        self.neuron_names = [call.name for call in self._neurons]
        (logits,) = counting.model.outputs
        taps = [logits, [call.outputs for call in self._neurons]]
        self._tapped = keras.Model(counting.model.inputs, taps)
        specs = signature(counting.model.inputs)
        self._count = compiled(self._counted, specs)

    def __call__(self, images: Images, targets: np.ndarray) -> BatchCounts:
        """Counts hits and spikes, see `Runner`."""
        hits, spikes, neurons = self._count(images, targets)
        # Kinds that have events have no bursts.
        return as_counts(hits, spikes, spikes, neurons.numpy())

    def _counted(self, images, targets):
        logits, means = self._tapped(images, training=False)
        spikes = [
            count_spikes(call, mean)
            for call, mean in zip(self._neurons, means, strict=True)
        ]
        neurons = tf.stack([tf.size(mean, tf.int64) for mean in means])
        neurons = tf.cast(neurons, tf.float64)
        return hits_of(logits[None], targets), spikes, neurons


def count_spikes(call: Call, mean: tf.Tensor) -> tf.Tensor:
    """Counts the spikes of a layer from its mean output.

    Args:
        call: The neuron, of a kind that has events.
        mean: Its output `[B, ...]`.

    Returns:
        Spikes of each neuron, see `by_neuron`.
    """
    layer = call.operation
    kind = layer.cell.kind
    unit = layer.cell.emitted(tf.ones([], layer.cell.variable_dtype))
    levels = kind.quantiser(layer.timesteps).levels_per_threshold
    # Whole numbers up to rounding.
    events = kind.events(tf.round(mean / unit * levels))
    return by_neuron(tf.cast(events, tf.float32))
