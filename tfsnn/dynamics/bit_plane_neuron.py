"""The bit-plane neuron: fires the bits of its value, the highest first."""

import dataclasses
from typing import ClassVar

import tensorflow as tf

from tfsnn.numerics.quantiser import Quantiser

from .integrate_and_fire import State
from .neuron_kind import NeuronKind

MOST_BITS = 24
"""Largest T; a float32 holds no more bits."""


@dataclasses.dataclass(frozen=True)
class BitPlane(NeuronKind):
    """Fires at step t if the bit worth 2^-(t+1) of the value is set.

        w = T 2^-(t+1);    s = w if v >= w else 0;    v <- v - s

    All input must be there before the first step. The value is then

        threshold / 2^T * clip(floor(2^T (x / threshold + v0 / T)), 0, 2^T - 1)

    2^T levels; a spike costs one addition, shifted by its step. Not a plain
    neuron.

    References:
        Kim et al., Deep neural networks with weighted spikes,
        Neurocomputing 311, 2018.
    """

    name: ClassVar[str] = "bit_plane"
    needs_two_phase: ClassVar[bool] = True
    has_events: ClassVar[bool] = True
    bits: ClassVar[int] = 1
    spike_cost: ClassVar[str] = "one shifted addition"

    def fire(
        self, state: State, step: tf.Tensor | int, timesteps: int
    ) -> tuple[tf.Tensor, State]:
        """One firing decision; threshold and spike halve with each step."""
        potential = state[0]
        size = _spike_size(step, timesteps, potential.dtype)
        spikes = tf.cast(potential >= size, potential.dtype) * size
        return spikes, (potential - spikes, *state[1:])

    def quantiser(self, timesteps: int) -> Quantiser:
        """2^T - 1 levels above zero, 2^T to a threshold."""
        return Quantiser.bit_plane(timesteps)

    def count(
        self,
        potential: tf.Tensor,
        current: tf.Tensor,
        timesteps: int,
        *,
        constant: bool,
    ) -> tf.Tensor:
        """The bits as one number; the clock makes no difference."""
        # A plain `/` by a constant becomes a product with its inverse.
        steps = tf.constant(timesteps, potential.dtype)
        value = current + tf.math.divide_no_nan(potential, steps)
        levels = 2.0**timesteps
        return tf.clip_by_value(tf.floor(levels * value), 0.0, levels - 1.0)

    def events(self, levels: tf.Tensor) -> tf.Tensor:
        """The number of bits that are set."""
        bits = tf.raw_ops.PopulationCount(x=tf.cast(levels, tf.int32))
        return tf.cast(bits, levels.dtype)

    def accumulates(self, spikes: tf.Tensor) -> tf.Tensor:
        """One shifted addition a spike, whatever it is worth."""
        return tf.cast(spikes != 0.0, spikes.dtype)

    def encode(
        self, spikes: tf.Tensor, step: tf.Tensor | int, timesteps: int
    ) -> tf.Tensor:
        """The bit."""
        return tf.cast(spikes != 0.0, tf.uint8)

    def decode(
        self,
        codes: tf.Tensor,
        step: tf.Tensor | int,
        timesteps: int,
        *,
        dtype: tf.DType = tf.float32,
    ) -> tf.Tensor:
        """The bit times what it is worth at its step."""
        size = _spike_size(step, timesteps, dtype)
        if size.shape.rank:
            size = tf.reshape(size, [-1] + [1] * (len(codes.shape) - 1))
        return tf.cast(codes, dtype) * size


def _spike_size(step, timesteps: int, dtype) -> tf.Tensor:
    """T 2^-(t+1), in thresholds; from a table, so that it is exact."""
    sizes = [timesteps * 2.0 ** -(t + 1) for t in range(timesteps)]
    return tf.gather(tf.constant(sizes, dtype), step)
