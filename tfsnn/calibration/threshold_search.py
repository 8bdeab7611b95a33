"""Thresholds and initial potentials measured on real spikes."""

import dataclasses

import numpy as np

from tfsnn.types import NeuronParameters

from .arguments import is_number
from .tap import Tap


@dataclasses.dataclass(frozen=True)
class ThresholdSearch:
    """Tries thresholds and initial potentials on the currents at hand.

        argmin over (k, q) of mean (a - r(k * theta, v0 = q * k * theta))^2

    for each channel, or for the layer if it has one threshold; r is the mean
    output that the neuron really gives, so the search knows when spikes arrive,
    which thresholds from activations (`MmseThreshold`) do not. It costs as many
    runs of the neuron as there are candidates, and no affine layer.

    Attributes:
        factors: Thresholds tried, over the present one, each above 0.
        charges: Initial potentials tried, in levels, 0...1; a level of all but
            bit-plane neurons is worth a threshold.
    """

    sets_threshold = False
    factors: tuple[float, ...] = (0.7, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5)
    charges: tuple[float, ...] = (0.2, 0.35, 0.5, 0.65)

    def __post_init__(self):
        """Checks the values.

        Raises:
            ValueError: If there is none, or one is out of range.
        """
        for name in ("factors", "charges"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        _check("factors", self.factors, lambda x: 0 < x < np.inf, "above 0")
        _check("charges", self.charges, lambda x: 0 <= x <= 1, "0...1")

    def __call__(
        self, tap: Tap, parameters: NeuronParameters, timesteps: int
    ) -> NeuronParameters:
        """Proposes the best candidate, or the present values, see `Strategy`.

        Returns:
            Threshold and initial potential `[C]`, or `[]` where the threshold
            is one for the layer.
        """
        level = 2 * tap.kind.rounding_charge(timesteps)
        candidates = [parameters]
        for factor in self.factors:
            threshold = np.float32(factor * parameters.threshold)
            candidates += [
                parameters.replace(
                    threshold=threshold,
                    initial_potential=np.float32(charge * level * threshold),
                )
                for charge in self.charges
            ]
        best = _errors(tap, candidates).argmin(axis=0)
        if not best.any():
            return parameters
        return parameters.replace(
            **{
                name: _picked([getattr(c, name) for c in candidates], best)
                for name in ("threshold", "initial_potential")
            }
        )


def _errors(tap: Tap, candidates: list[NeuronParameters]) -> np.ndarray:
    """Squared error of each candidate, `[candidates, C]` or `[candidates]`."""
    shape = np.shape(candidates[0].threshold)
    neurons = [tap.view.neuron(candidate) for candidate in candidates]
    errors = np.zeros((len(candidates), *shape))
    start = 0
    for current, fit in tap.view.chunks():
        target = tap.analog[start : start + fit.sum()]
        start += len(target)
        if not len(target):
            continue
        for number, neuron in enumerate(neurons):
            output = neuron.mean_output(current).numpy()[fit]
            square = np.square(target - output, dtype="float64")
            axes = tuple(range(square.ndim - len(shape)))
            errors[number] += square.sum(axis=axes)
    return errors


def _picked(values: list[np.ndarray], best: np.ndarray) -> np.ndarray:
    """Of several arrays, for each channel the one with its best number."""
    shape = max((np.shape(value) for value in values), key=len)
    stacked = np.stack([np.broadcast_to(value, shape) for value in values])
    chosen = np.broadcast_to(best, shape)[None]
    return np.take_along_axis(stacked, chosen, axis=0)[0].astype("float32")


def _check(name, values, is_supported, supported):
    if not values or not all(is_number(v) and is_supported(v) for v in values):
        raise ValueError(
            f"{name}={values!r}. Supported: at least one number, each"
            f" {supported}. Pass a tuple."
        )
