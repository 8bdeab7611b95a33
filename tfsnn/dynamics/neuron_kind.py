"""What kinds of neuron have in common.

A kind is a small value: it knows the state, the firing decision and the code
of a neuron, but neither its parameters nor T. Potentials and spikes are in
units of the threshold, so that the value of a neuron is

    threshold * mean over T of its spikes.
"""

import abc
import dataclasses
from typing import Any, ClassVar

import tensorflow as tf

from tfsnn.numerics.quantiser import Quantiser

from .integrate_and_fire import State


class NeuronKind(abc.ABC):
    """One kind of neuron; subclasses are frozen dataclasses.

    Attributes:
        name: What it is called in configurations.
        num_states: Tensors in its state; the first one is the potential.
        is_plain: Whether its spikes are 0 and the threshold and nothing else.
        needs_two_phase: Whether it must know all its input before it fires
            (lag = T), and how many steps there are.
        has_counts: Whether its spikes over T steps have a closed form.
        has_events: Whether the level tells how many of the steps had a spike.
        spike_cost: What a spike costs the neuron that receives it, in words.
    """

    name: ClassVar[str]
    num_states: ClassVar[int] = 1
    is_plain: ClassVar[bool] = False
    needs_two_phase: ClassVar[bool] = False
    has_events: ClassVar[bool] = False
    spike_cost: ClassVar[str]

    @property
    def has_counts(self) -> bool:
        """Whether `count` has a closed form."""
        return True

    @property
    @abc.abstractmethod
    def bits(self) -> int:
        """Bits that hold the spike of one step."""

    def initial_state(self, potential: tf.Tensor) -> State:
        """The state before the first step.

        Args:
            potential: `[B, ...]` in thresholds.

        Returns:
            The potential, then whatever else the neuron keeps.
        """
        return (potential,)

    @abc.abstractmethod
    def fire(
        self, state: State, step: tf.Tensor | int, timesteps: int
    ) -> tuple[tf.Tensor, State]:
        """One firing decision.

        Args:
            state: Charged state, potential `[B, ...]` in thresholds.
            step: Index of the firing step, 0...T-1.
            timesteps: T.

        Returns:
            Spikes `[B, ...]` in thresholds and in the potential's dtype, and
            the state.
        """

    @abc.abstractmethod
    def quantiser(self, timesteps: int) -> Quantiser:
        """The quantiser that the neuron amounts to.

        Args:
            timesteps: T.

        Returns:
            Its levels, for thresholds of least squared error.
        """

    def num_levels(self, timesteps: int) -> int:
        """Distinct values that the mean over T steps can have, with zero.

        Args:
            timesteps: T.

        Returns:
            The number.
        """
        return self.quantiser(timesteps).num_levels + 1

    def rounding_charge(self, timesteps: int) -> float:
        """Initial potential that makes the neuron round instead of floor.

        Args:
            timesteps: T.

        Returns:
            Thresholds; half of what one level is worth.
        """
        levels = self.quantiser(timesteps).levels_per_threshold
        return 0.5 * timesteps / levels

    @abc.abstractmethod
    def count(
        self,
        potential: tf.Tensor,
        current: tf.Tensor,
        timesteps: int,
        *,
        constant: bool,
    ) -> tf.Tensor:
        """The level that the mean output has, without running T steps.

        Args:
            potential: v0 in thresholds, `[B, ...]` or what broadcasts to it.
            current: Mean x over the T steps of input in thresholds, `[B, ...]`.
            timesteps: T.
            constant: Whether the current is the same at every step and the
                neuron decides from the first one on; if not it first
                integrates T steps (lag = T).

        Returns:
            Whole numbers `[B, ...]` in the dtype of `current`; the mean output
            is their quotient by `quantiser(T).levels_per_threshold`,
            in thresholds.
        """

    def events(self, levels: tf.Tensor) -> tf.Tensor:
        """Steps at which a neuron sent a spike, if it `has_events`.

        Args:
            levels: What `count` gives, any shape.

        Returns:
            Same shape and dtype.
        """
        return levels

    def accumulates(self, spikes: tf.Tensor) -> tf.Tensor:
        """Additions that spikes cost each neuron that receives them.

        Args:
            spikes: In thresholds, any shape.

        Returns:
            Same shape and dtype.
        """
        return tf.abs(spikes)

    def encode(
        self, spikes: tf.Tensor, step: tf.Tensor | int, timesteps: int
    ) -> tf.Tensor:
        """Spikes of one step as small whole numbers.

        Args:
            spikes: `[B, ...]` in thresholds, from `fire` at that step.
            step: Index of the firing step, 0...T-1.
            timesteps: T.

        Returns:
            uint8 `[B, ...]`, below `2**bits`.
        """
        return tf.cast(spikes, tf.uint8)

    def decode(
        self,
        codes: tf.Tensor,
        step: tf.Tensor | int,
        timesteps: int,
        *,
        dtype: tf.DType = tf.float32,
    ) -> tf.Tensor:
        """The inverse of `encode`.

        Args:
            codes: uint8 `[B, ...]`, or of several steps `[t, B, ...]`.
            step: Index of the firing step, or one a step `[t]`.
            timesteps: T.
            dtype: Of the spikes.

        Returns:
            Spikes in thresholds, shape of `codes`.
        """
        return tf.cast(codes, dtype)

    def to_dict(self) -> dict[str, Any]:
        """Name and parameters as plain types, see `neuron_kind`."""
        return {"name": self.name, **dataclasses.asdict(self)}
