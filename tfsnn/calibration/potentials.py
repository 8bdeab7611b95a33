"""Potential calibration, the cheap half of the paper's Advanced pipeline."""

import dataclasses

from tfsnn.numerics.checks import check_choice
from tfsnn.types import NeuronParameters

from .biases import check_damping
from .tap import Tap

PER = ("channel", "neuron")


@dataclasses.dataclass(frozen=True)
class PotentialCalibration:
    """Shifts initial potentials by the charge that is missing (Eq. 15-16).

        v0 <- v0 + damping * T * mean_N(analog - spiking)

    Per neuron as in the paper, which ties the model to the size of its
    images; per channel, the mean is over positions, too.

    Attributes:
        per: `"channel"` or `"neuron"`.
        damping: Share of the charge that is added, above 0, up to 1.

    References:
        Li et al., A Free Lunch From ANN, ICML 2021, Eq. 15-16.
    """

    sets_threshold = False
    per: str = "channel"
    damping: float = 1.0

    def __post_init__(self):
        """Checks the values.

        Raises:
            ValueError: If one is out of range.
        """
        check_choice("per", self.per, PER)
        check_damping(self.damping)

    @property
    def needs_sizes(self) -> bool:
        """Whether the size of every feature map has to be known."""
        return self.per == "neuron"

    def __call__(
        self, tap: Tap, parameters: NeuronParameters, timesteps: int
    ) -> NeuronParameters:
        """Proposes shifted potentials, `[C]` or one a neuron."""
        error = tap.analog - tap.spiking
        axes = 0 if self.per == "neuron" else tuple(range(error.ndim - 1))
        missing = timesteps * error.mean(axis=axes, dtype="float64")
        potential = parameters.initial_potential + self.damping * missing
        return parameters.replace(initial_potential=potential.astype("float32"))
