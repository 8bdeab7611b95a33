"""Runs the stepping form and counts on the way; memory is free of T."""

import math

import keras
import numpy as np
import tensorflow as tf

from tfsnn.conversion.stepping import (
    SteppingForm,
    added,
    averaged,
    batch_size_of,
)
from tfsnn.inputs import Images, count_images

from .runners import (
    TARGETS,
    BatchCounts,
    as_counts,
    by_neuron,
    compiled,
    hits_of,
    signature,
)


class SteppedRunner:
    """All layers of a step at once; see `Runner`."""

    execution = "stepping"

    def __init__(self, form: SteppingForm):
        """Makes the graph.

        Args:
            form: A spiking model with one output `[B, K]`.
        """
        self._neurons = neurons = form.timetable.neurons
        self.neuron_names = [call.name for call in neurons]
        self._sizes = np.array(
            [math.prod(call.outputs.shape[1:]) for call in neurons], "float64"
        )
        self.has_prefixes = form.timetable.has_prefixes
        self._form = form
        self._count = compiled(self._counted, signature(form.model.inputs))

    def __call__(self, images: Images, targets: np.ndarray) -> BatchCounts:
        """Counts hits and spikes, see `Runner`."""
        hits, spikes, accumulates = self._count(images, targets)
        neurons = self._sizes * count_images(images)
        return as_counts(hits, spikes, accumulates or spikes, neurons)

    def _counted(self, images, targets):
        form = self._form
        batch_size = batch_size_of(images)
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
            fired = [
                total + more
                for total, more in zip(
                    counts, self._counts(spikes), strict=True
                )
            ]
            return sums, hits, fired

        sums, hits, counts = form.over_time(
            constants,
            update,
            (
                form.zero_sums(batch_size),
                tf.zeros([num_hits, TARGETS], tf.int32),
                self._no_counts(),
            ),
            batch_size=batch_size,
        )
        if not self.has_prefixes:
            hits = with_row(hits, 0, averaged(sums, form.timesteps))
        size = len(self._neurons)
        return hits, counts[:size], counts[size:]

    def _counts(self, spikes):
        """Spikes of each layer, then what they cost unless it is the same."""
        named = [(call, spikes[call.name]) for call in self._neurons]
        if self._is_plain:  # Spikes are 0 and 1.
            return [by_neuron(tf.cast(x, tf.float32)) for _, x in named]
        found = [by_neuron(tf.cast(x != 0, tf.float32)) for _, x in named]
        return found + [
            by_neuron(call.operation.cell.kind.accumulates(x))
            for call, x in named
        ]

    def _no_counts(self):
        shapes = [call.outputs.shape[1:] for call in self._neurons]
        if not self._is_plain:
            shapes += shapes
        return [tf.zeros(shape, tf.float64) for shape in shapes]

    @property
    def _is_plain(self):
        """Whether every spike costs one addition."""
        kinds = [call.operation.cell.kind for call in self._neurons]
        return all(kind.is_plain for kind in kinds)
