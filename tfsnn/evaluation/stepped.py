"""Runs the stepping form and counts on the way; memory is free of T."""

import numpy as np
import tensorflow as tf

from tfsnn.conversion.stepping import SteppingForm, added, averaged

from .folded import neurons_by_name
from .runners import TARGETS, BatchCounts, hits_of, signature


class SteppedRunner:
    """All layers of a step at once; see `Runner`."""

    execution = "stepping"

    def __init__(self, form: SteppingForm):
        """Makes the graph.

        Args:
            form: A spiking model with one read-out.
        """
        self.num_neurons = neurons_by_name(form.timetable)
        self.has_prefixes = not form.timetable.max_lag
        self._form = form
        self._count = tf.function(
            self._counted, input_signature=signature(form.model.inputs[0])
        )

    def __call__(self, images: np.ndarray, targets: np.ndarray) -> BatchCounts:
        """Counts hits and spikes, see `Runner`."""
        hits, spikes = self._count(images, targets)
        return BatchCounts(hits.numpy(), spikes.numpy())

    def _counted(self, images, targets):
        form = self._form
        batch_size = tf.shape(images)[0]
        num_hits = form.timesteps if self.has_prefixes else 1

        def update(step, readouts, spikes, carried):
            sums, hits, counts = carried
            sums = added(sums, readouts)
            if self.has_prefixes:
                hits = _with_row(hits, step, averaged(sums, step + 1), targets)
            fired = [_count(spikes[name]) for name in self.num_neurons]
            return sums, hits, counts + tf.stack(fired)

        sums, hits, counts = form.over_time(
            form.prelude(images),
            update,
            (
                form.zero_sums(batch_size),
                tf.zeros([num_hits, TARGETS], tf.int32),
                tf.zeros([len(self.num_neurons)], tf.float64),
            ),
            batch_size=batch_size,
        )
        if not self.has_prefixes:
            hits = _with_row(hits, 0, averaged(sums, form.timesteps), targets)
        return hits, counts


def _count(spikes):
    """Number of spikes; float32 counts one neuron, float64 the layer."""
    neurons = tf.reduce_sum(spikes, axis=0)
    return tf.reduce_sum(tf.cast(neurons, tf.float64))


def _with_row(hits, row, means, targets):
    """Hits with those of one step written in."""
    return tf.tensor_scatter_nd_update(
        hits, [[row]], hits_of(means[0], targets)[None]
    )
