"""The plain integrate-and-fire neuron: spikes of one threshold."""

import dataclasses
from typing import ClassVar

import tensorflow as tf

from tfsnn.numerics.quantiser import Quantiser

from .integrate_and_fire import RESETS, State
from .neuron_kind import NeuronKind
from .spike_counts import count_constant, count_two_phase


@dataclasses.dataclass(frozen=True)
class IntegrateAndFire(NeuronKind):
    """Fires once where the potential has reached the threshold.

        s = 1 if v >= 1 else 0

    T + 1 levels; a spike costs one addition.

    Attributes:
        reset: `"soft"` subtracts the threshold (Eq. 3), `"hard"` sets to zero.

    References:
        Li et al., A Free Lunch From ANN, ICML 2021, Eq. 2-4.
    """

    reset: str = "soft"

    name: ClassVar[str] = "if"
    is_plain: ClassVar[bool] = True
    has_events: ClassVar[bool] = True
    bits: ClassVar[int] = 1
    spike_cost: ClassVar[str] = "one addition"

    def __post_init__(self):
        """Checks the reset.

        Raises:
            ValueError: If it is unknown.
        """
        if self.reset not in RESETS:
            raise ValueError(
                f"reset={self.reset!r}. Supported:"
                f" {', '.join(map(repr, RESETS))}."
            )

    @property
    def has_counts(self) -> bool:
        """Of the soft reset only; the hard one loses what is left over."""
        return self.reset == "soft"

    def fire(
        self, state: State, step: tf.Tensor | int, timesteps: int
    ) -> tuple[tf.Tensor, State]:
        """One firing decision, the same at every step."""
        return RESETS[self.reset](state)

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
        """Spikes in T steps; of the soft reset."""
        count = count_constant if constant else count_two_phase
        return count(potential, current, timesteps)
