"""Runs one neuron layer on given currents with given parameters."""

import itertools

import tensorflow as tf

from tfsnn.dynamics.neuron_kind import NeuronKind
from tfsnn.dynamics.time import unfold
from tfsnn.types import NeuronParameters

from .graphs import Graphs
from .piece import Firing, num_steps, pieces, run_piece


class NeuronRun:
    """A neuron layer outside of any model, for measuring.

    Attributes:
        threshold: Its threshold as a tensor.
    """

    def __init__(
        self,
        parameters: NeuronParameters,
        *,
        timesteps: int,
        lag: int,
        kind: NeuronKind,
        constant: bool,
        graphs: Graphs | None = None,
    ):
        """Keeps parameters and clock.

        Args:
            parameters: Of the neuron.
            timesteps: T.
            lag: Steps of charging before the first decision; 0 is used for a
                constant current, unless the kind must know all its input.
            kind: Kind of neuron.
            constant: Whether currents are `[B, ...]` instead of folded time.
            graphs: Where compiled graphs are kept; None: in this run.
        """
        self._graphs = Graphs() if graphs is None else graphs
        self.threshold = tf.convert_to_tensor(parameters.threshold)
        self._potential = tf.convert_to_tensor(parameters.initial_potential)
        bias = parameters.bias
        if bias is None:
            bias = tf.zeros_like(self.threshold)
        self._bias = tf.convert_to_tensor(bias)
        self._temporal_bias = parameters.temporal_bias
        self._timesteps = timesteps
        self._lag = 0 if constant and not kind.needs_two_phase else lag
        self._firing = Firing(kind, timesteps)
        self._constant = constant

    def mean_output(self, current: tf.Tensor) -> tf.Tensor:
        """Mean of the spikes over time, activation units.

        Args:
            current: Folded `[T*B, ...]`, or `[B, ...]` if constant.

        Returns:
            `[B, ...]`.
        """
        total = tf.add_n(list(self._pieces(current, "total")))
        threshold = tf.cast(self.threshold, total.dtype)
        mean = total * (threshold / self._timesteps)
        return tf.cast(mean, self.threshold.dtype)

    def packed_train(self, current: tf.Tensor) -> tf.Tensor:
        """Spikes in the code of their kind, see `spike_store.pack`."""
        return tf.stack(list(self._pieces(current, "byte")))

    def _pieces(self, current, give):
        """What each firing piece gives, in order."""
        # As in `IFCell`: potentials are kept in at least float32.
        dtype = tf.float64 if current.dtype == tf.float64 else tf.float32
        threshold, potential, bias = (
            tf.cast(values, dtype)
            for values in (self.threshold, self._potential, self._bias)
        )
        sequence = current
        if not self._constant:
            sequence = unfold(current, self._timesteps)
        one_step = current if self._constant else sequence[0]
        kind = self._firing.kind
        state = kind.initial_state(
            tf.broadcast_to(potential / threshold, one_step.shape)
        )
        size = num_steps(give, kind)
        for start, piece in pieces(self._timesteps, self._lag, size):
            part = sequence
            if not self._constant:
                part = sequence[start : start + piece.charging]
            tensors = (part, *state, threshold, bias)
            first = start - self._lag if piece.firing else 0
            if self._temporal_bias is not None and piece.firing:
                rows = self._temporal_bias[first : first + piece.firing]
                tensors = (*tensors, tf.cast(rows, dtype))
            settings = (piece, give, self._firing.at(first))
            outputs = self._compiled(settings, tensors)
            if not piece.is_last:
                state = outputs[: kind.num_states]
            if piece.firing:
                yield outputs[-1]

    def _compiled(self, settings, tensors):
        """Runs a piece; batches of any size share one graph."""
        num_states = self._firing.kind.num_states
        batch_axes = (0 if self._constant else 1, *[0] * num_states)
        specs = [
            tf.TensorSpec(
                [
                    None if number == axis else size
                    for number, size in enumerate(values.shape)
                ],
                values.dtype,
            )
            for values, axis in itertools.zip_longest(tensors, batch_axes)
        ]
        graph = self._graphs(run_piece, settings, *specs, jit_compile=True)
        return graph(*tensors)
