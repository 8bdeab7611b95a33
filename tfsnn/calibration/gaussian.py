"""The strategy that chooses thresholds in closed form."""

import dataclasses

import numpy as np

from tfsnn.numerics import gaussian_threshold, rectified_gaussian
from tfsnn.numerics.checks import check_choice
from tfsnn.types import NeuronParameters

from .tap import Tap
from .thresholds import check_options, potential_of, with_threshold


@dataclasses.dataclass(frozen=True)
class GaussianThreshold:
    """The threshold of least squared error if currents are Gaussian.

    Two numbers a channel say everything: the Gaussian whose positive part has
    the mean and the mean square of the activations. Nothing is sorted, and a
    few images are enough; where currents are far from Gaussian,
    `MmseThreshold` fits the activations themselves.

    Attributes:
        per: `"layer"` or `"channel"`.
        rounding: Response the threshold is for: `"round"`, a neuron that
            starts at half a level, or `"floor"`, one that starts at 0.
        initial_charge: As in `MaximumThreshold`.

    References:
        Huang et al., Differential coding for training-free ANN-to-SNN
        conversion, ICML 2025, arXiv:2503.00301.
    """

    sets_threshold = True
    per: str = "channel"
    rounding: str = "round"
    initial_charge: float = 0.5

    def __post_init__(self):
        """Checks the values.

        Raises:
            ValueError: If one is unknown or out of range.
        """
        check_options(self)
        check_choice("rounding", self.rounding, ("floor", "round"))

    def __call__(
        self, tap: Tap, parameters: NeuronParameters | None, timesteps: int
    ) -> NeuronParameters:
        """Proposes the best threshold of the Gaussian, see `Strategy`."""
        first, second = _moments(tap.analog)
        if self.per == "layer":
            first, second = first.mean(), second.mean()
        threshold = gaussian_threshold(
            *rectified_gaussian(first, second),
            tap.kind.quantiser(timesteps),
            rounding=self.rounding,
        )
        charge = potential_of(self.initial_charge, tap.kind, timesteps)
        return with_threshold(parameters, threshold, charge)


def _moments(activations):
    """Mean and mean square of each channel, `[C]`, float64."""
    values = activations.reshape(-1, activations.shape[-1])
    squares = np.einsum("nc,nc->c", values, values, dtype=np.float64)
    return values.mean(axis=0, dtype=np.float64), squares / len(values)
