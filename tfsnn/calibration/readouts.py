"""Calibration of the weights behind the last neurons."""

import dataclasses

from tfsnn.types import ReadoutParameters

from .kernel_terms import kernel_terms
from .least_squares import check_ridge
from .residual_fit import changed_weights, residual_fit
from .tap import Tap


@dataclasses.dataclass(frozen=True)
class ReadoutCalibration:
    """Fits the last layer to what the last neurons really emit.

        (D, d) = argmin sum |f D + d - (z - y)|^2 + ridge |D|^2

    with f the mean spikes that the layer reads, y its mean output and z the
    analog one (before a softmax); D is added to its kernel and d to its bias;
    d = 0 for a layer without. What earlier layers could not mend, a linear
    layer can often still read.

    Attributes:
        ridge: Weight of the penalty, in mean squares of an input, above 0.
    """

    sets_threshold = False
    sets_readout = True
    ridge: float = 0.1

    def __post_init__(self):
        """Checks the value.

        Raises:
            ValueError: If the ridge is out of range.
        """
        check_ridge(self.ridge)

    def __call__(
        self, tap: Tap, parameters: ReadoutParameters, timesteps: int
    ) -> ReadoutParameters:
        """Proposes weights of the last layer, see `Strategy`."""
        terms = kernel_terms(tap.view.segment, tap.view.fixed_layers)
        if not terms:
            return parameters
        rows = tap.analog.size  # Every position.
        fit = residual_fit(tap, terms, num_rows=rows, seed=0)
        before = parameters.weights or {}
        biased = [t.layer for t in terms if _has_bias(tap, t.layer)]
        if not biased:
            slope = fit.solve_without_shift(self.ridge)
            return parameters.replace(
                weights=changed_weights(tap, terms, before, slope)
            )
        slope, shift = fit.solve(self.ridge)
        weights = changed_weights(tap, terms, before, slope)
        kernel, bias = weights[biased[0]]
        bias = (bias + shift.reshape(-1)).astype(bias.dtype)
        weights[biased[0]] = (kernel, bias)
        return parameters.replace(weights=weights)


def _has_bias(tap: Tap, name: str) -> bool:
    return tap.view.segment.model.get_layer(name).use_bias
