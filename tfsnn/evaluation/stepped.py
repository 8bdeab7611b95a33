"""Runs the stepping form and counts on the way; memory is free of T."""

import math

import keras
import numpy as np
import tensorflow as tf

from tfsnn.conversion.stepping import SteppingForm, added, averaged

from .runners import TARGETS, BatchCounts, compiled, hits_of, signature


class SteppedRunner:
    """All layers of a step at once; see `Runner`."""

    execution = "stepping"

    def __init__(self, form: SteppingForm):
        """Makes the graph.

        Args:
            form: A spiking model with one output `[B, K]`.
        """
        neurons = form.timetable.neurons
        self.neuron_names = [call.name for call in neurons]
        self._sizes = np.array(
            [math.prod(call.outputs.shape[1:]) for call in neurons], "float64"
        )
        self.has_prefixes = form.timetable.has_prefixes
        self._form = form
        self._count = compiled(self._counted, signature(form.model.inputs[0]))

    def __call__(self, images: np.ndarray, targets: np.ndarray) -> BatchCounts:
        """Counts hits and spikes, see `Runner`."""
        hits, spikes = self._count(images, targets)
        neurons = self._sizes * len(images)
        return BatchCounts(hits.numpy(), spikes.numpy(), neurons)

    def _counted(self, images, targets):
        form = self._form
        batch_size = tf.shape(images)[0]
        constants = form.prelude(images)
        num_hits = form.timesteps if self.has_prefixes else 1

        def with_row(hits, row, means):
            # A model may have its one output in a list.
            (logits,) = keras.tree.flatten(form.finish(constants, means))
            found = hits_of(logits, targets)[None]
            return tf.tensor_scatter_nd_update(hits, [[row]], found)

        def update(step, readouts, spikes, carried):
            sums, hits, counts = carried
            sums = added(sums, readouts)
            if self.has_prefixes:
                hits = with_row(hits, step, averaged(sums, step + 1))
            fired = [_count(spikes[name]) for name in self.neuron_names]
            return sums, hits, counts + tf.stack(fired)

        sums, hits, counts = form.over_time(
            constants,
            update,
            (
                form.zero_sums(batch_size),
                tf.zeros([num_hits, TARGETS], tf.int32),
                tf.zeros([len(self.neuron_names)], tf.float64),
            ),
            batch_size=batch_size,
        )
        if not self.has_prefixes:
            hits = with_row(hits, 0, averaged(sums, form.timesteps))
        return hits, counts


def _count(spikes):
    """Number of spikes, whatever they are worth.

    float32 counts one neuron, float64 the layer.
    """
    neurons = tf.reduce_sum(tf.cast(spikes != 0, tf.float32), axis=0)
    return tf.reduce_sum(tf.cast(neurons, tf.float64))
