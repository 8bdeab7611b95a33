"""Weight calibration in closed form."""

import dataclasses
import math

import numpy as np

from tfsnn.types import NeuronParameters

from .arguments import checked_whole, is_number
from .biases import check_damping
from .kernel_terms import kernel_terms
from .residual_fit import changed_weights, residual_fit
from .tap import Tap


@dataclasses.dataclass(frozen=True)
class LeastSquaresCalibration:
    """Regresses each channel's error on what its kernel reads.

        W <- W + D,  b <- b + d
        (D, d) = argmin sum |r_in D + d - damping * (a - r)|^2 + ridge |D|^2

    with r_in the mean inputs, a the analog and r the mean spiking activation.
    It is what bias calibration is, with a slope: bias calibration regresses the
    same error on a constant. The error is measured on real spikes, so it also
    holds what mean rates hide. There is no learning rate. Segments without a
    Dense or 2-D convolution right in front of the neuron stay as they are.
    Weights that are 0, as of pruned networks, stay 0: the change is fitted
    without that, then left out there.

    Attributes:
        ridge: Weight of the penalty, in mean squares of an input, above 0.
        damping: Share of the error that is corrected, above 0, up to 1.
        num_rows: Positions of all images together that are used, at least 1.
        seed: Of the choice of positions.
    """

    sets_threshold = False
    ridge: float = 0.01
    damping: float = 1.0
    num_rows: int = 200_000
    seed: int = 0

    def __post_init__(self):
        """Checks the values.

        Raises:
            ValueError: If one is out of range.
        """
        check_damping(self.damping)
        check_ridge(self.ridge)
        checked_whole("num_rows", self.num_rows, low=1, default=200_000)
        checked_whole("seed", self.seed, low=0, default=0)

    def __call__(
        self, tap: Tap, parameters: NeuronParameters, timesteps: int
    ) -> NeuronParameters:
        """Proposes weights and biases `[C]`, see `Strategy`."""
        terms = kernel_terms(tap.view.segment, tap.view.fixed_layers)
        if not terms:
            return parameters
        fit = residual_fit(tap, terms, num_rows=self.num_rows, seed=self.seed)
        slope, shift = fit.solve(self.ridge)
        weights = changed_weights(
            tap, terms, parameters.weights or {}, self.damping * slope
        )
        bias = 0.0 if parameters.bias is None else parameters.bias
        bias = bias + self.damping * shift.reshape(-1)
        return parameters.replace(weights=weights, bias=np.float32(bias))


def check_ridge(ridge: float) -> None:
    """Raises unless a penalty is in its range.

    Args:
        ridge: Weight of a penalty.

    Raises:
        ValueError: If it is not above 0 and finite.
    """
    if not is_number(ridge) or not 0 < ridge < math.inf:
        raise ValueError(
            f"ridge={ridge!r}. Supported: numbers above 0, finite. Pass 0.01"
            " for the default."
        )
