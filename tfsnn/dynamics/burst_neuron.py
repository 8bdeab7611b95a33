"""The burst neuron: several spikes in one step."""

import dataclasses
from typing import ClassVar

import tensorflow as tf

from tfsnn.numerics.quantiser import Quantiser

from .integrate_and_fire import State
from .neuron_kind import NeuronKind
from .spike_counts import count_constant, count_two_phase

MOST_SPIKES = 255
"""Largest burst; its code is one byte."""


@dataclasses.dataclass(frozen=True)
class Burst(NeuronKind):
    """Fires as often at once as the potential allows, up to n times.

        s = clip(floor(v), 0, n);    v <- v - s

    n T + 1 levels; a burst of k spikes costs k additions, or one
    multiplication. Not a plain neuron, unless n is 1.

    Attributes:
        max_spikes: Most spikes in one step n, 1...255.

    References:
        Li and Zeng, Efficient and accurate conversion of spiking neural
        network with burst spikes, IJCAI 2022, arXiv:2204.13271.
    """

    max_spikes: int = 4

    name: ClassVar[str] = "burst"
    spike_cost: ClassVar[str] = "as many additions as it has spikes"

    def __post_init__(self):
        """Checks the number.

        Raises:
            ValueError: If it is out of range.
        """
        number = self.max_spikes
        whole = isinstance(number, int) and not isinstance(number, bool)
        if not whole or not 1 <= number <= MOST_SPIKES:
            raise ValueError(
                f"max_spikes={number!r}. Supported: whole numbers"
                f" 1...{MOST_SPIKES}. Typical is 4."
            )

    @property
    def bits(self) -> int:
        """Bits that hold 0...n."""
        return self.max_spikes.bit_length()

    def fire(
        self, state: State, step: tf.Tensor | int, timesteps: int
    ) -> tuple[tf.Tensor, State]:
        """One firing decision, the same at every step."""
        potential = state[0]
        spikes = tf.clip_by_value(tf.floor(potential), 0.0, self.max_spikes)
        return spikes, (potential - spikes, *state[1:])

    def quantiser(self, timesteps: int) -> Quantiser:
        """T levels a spike of a burst, T to a threshold."""
        return Quantiser.burst(timesteps, self.max_spikes)

    def count(
        self,
        potential: tf.Tensor,
        current: tf.Tensor,
        timesteps: int,
        *,
        constant: bool,
    ) -> tf.Tensor:
        """Spikes in T steps, each of a burst counted."""
        count = count_constant if constant else count_two_phase
        return count(potential, current, timesteps, max_spikes=self.max_spikes)
