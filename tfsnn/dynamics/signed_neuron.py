"""The signed neuron: takes back spikes that came too early."""

import dataclasses
from typing import ClassVar

import tensorflow as tf

from tfsnn.numerics.quantiser import Quantiser

from .integrate_and_fire import State
from .neuron_kind import NeuronKind
from .spike_counts import count_signed_constant, count_two_phase


@dataclasses.dataclass(frozen=True)
class SignedIntegrateAndFire(NeuronKind):
    """Also fires a negative spike, where it has fired too much.

        s = 1 if v >= 1;    s = -1 if v < 0 and n >= 1;    else 0
        v <- v - s;    n <- n + s

    n is the sum of its spikes so far, which never falls below zero. T + 1
    levels; a spike costs one addition or subtraction. Not a plain neuron.

    In the authors' code a negative spike waits for v <= -1, from a potential of
    0 at the start; 0 is the bound that belongs to a potential of one half at
    the start, which rounds.

    References:
        Wang et al., Signed neuron with memory: towards simple, accurate and
        high-efficient ANN-SNN conversion, IJCAI 2022.
    """

    name: ClassVar[str] = "signed"
    num_states: ClassVar[int] = 2
    bits: ClassVar[int] = 2
    spike_cost: ClassVar[str] = "one addition or subtraction"

    def initial_state(self, potential: tf.Tensor) -> State:
        """The potential, and a sum of zero."""
        return (potential, tf.zeros_like(potential))

    def fire(
        self, state: State, step: tf.Tensor | int, timesteps: int
    ) -> tuple[tf.Tensor, State]:
        """One firing decision, the same at every step."""
        potential, total = state
        up = potential >= 1.0
        down = (potential < 0.0) & (total >= 1.0)
        spikes = tf.cast(up, potential.dtype) - tf.cast(down, potential.dtype)
        return spikes, (potential - spikes, total + spikes)

    def quantiser(self, timesteps: int) -> Quantiser:
        """T levels above zero."""
        return Quantiser.of(timesteps)

    def count(
        self,
        potential: tf.Tensor,
        current: tf.Tensor,
        timesteps: int,
        *,
        constant: bool,
    ) -> tf.Tensor:
        """Sum of the spikes; once all input is there, none is negative."""
        count = count_signed_constant if constant else count_two_phase
        return count(potential, current, timesteps)

    def encode(
        self, spikes: tf.Tensor, step: tf.Tensor | int, timesteps: int
    ) -> tf.Tensor:
        """0, 1, and 2 for a negative spike."""
        negative = tf.cast(spikes < 0.0, tf.uint8)
        return tf.cast(tf.abs(spikes), tf.uint8) + negative

    def decode(
        self,
        codes: tf.Tensor,
        step: tf.Tensor | int,
        timesteps: int,
        *,
        dtype: tf.DType = tf.float32,
    ) -> tf.Tensor:
        """The inverse of `encode`."""
        positive, negative = (
            tf.cast(codes == tf.constant(code, tf.uint8), dtype)
            for code in (1, 2)
        )
        return positive - negative
