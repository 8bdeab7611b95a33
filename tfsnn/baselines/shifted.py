"""Threshold and bias shift of Deng and Gu (2021)."""

import dataclasses

import numpy as np

from tfsnn.calibration import Tap
from tfsnn.calibration.arguments import is_number
from tfsnn.dynamics.neuron_kind import NeuronKind
from tfsnn.types import NeuronParameters


@dataclasses.dataclass(frozen=True)
class ShiftedThreshold:
    """The largest activation, and half a level of shift.

        theta_l = max a_l;    b_l <- b_l + theta_l / (2 T)

    The shift is added to the current of every step, half a level over all of
    them: a neuron that floors then rounds. Deng and Gu train the analog
    network with `min(max(x, 0), theta)` and take the largest activation for
    theta afterwards; Li et al. (2021, section 5.1) apply the same shift to
    networks that are trained already, and so does this. The code of Deng and
    Gu has spikes in the last layer, too, which only integrates here; that of Li
    et al. averages the maxima of batches, of which this takes the largest.

    Attributes:
        percentile: Percentage of the activations that do not exceed theta;
            100 is the maximum.

    References:
        Deng, Gu, Optimal Conversion of Conventional Artificial Neural Networks
        to Spiking Neural Networks, ICLR 2021, arXiv:2103.00476.
    """

    sets_threshold = True
    percentile: float = 100.0

    def __post_init__(self):
        """Checks the value.

        Raises:
            ValueError: If the percentile is out of range.
        """
        if not is_number(self.percentile) or not 0 < self.percentile <= 100:
            raise ValueError(
                f"percentile={self.percentile!r}. Supported: numbers above 0,"
                " up to 100. Pass 100 for the largest activation."
            )

    def refusal(self, kind: NeuronKind) -> str | None:
        """The shift is derived for plain neurons."""
        if kind.is_plain:
            return None
        return "shifts by half a level of plain neurons; supported: 'if'"

    def __call__(
        self, tap: Tap, parameters: NeuronParameters | None, timesteps: int
    ) -> NeuronParameters:
        """Proposes threshold and shift, see `Strategy`."""
        values = tap.sorted_activations("layer")
        threshold = np.asarray(values.percentile(self.percentile), "float32")
        shift = (threshold / (2 * timesteps)).astype("float32")
        potential = np.zeros_like(threshold)
        if parameters is None:
            return NeuronParameters(threshold, potential, shift)
        return parameters.replace(
            threshold=threshold, initial_potential=potential, bias=shift
        )
