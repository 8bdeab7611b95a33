"""Bias calibration, the whole of the paper's Light pipeline."""

import dataclasses

import numpy as np

from tfsnn.types import NeuronParameters

from .arguments import is_number
from .tap import Tap


@dataclasses.dataclass(frozen=True)
class BiasCalibration:
    """Shifts each channel's current by its mean error (Eq. 13-14).

        b_c <- b_c + damping * mean_{N,H,W}(analog_c - spiking_c)

    One undamped sweep is the paper's; several, measured in between, are
    better: a neuron that clips or stays silent answers less than the shift.

    Attributes:
        damping: Share of the error that is added, above 0, up to 1.

    References:
        Li et al., A Free Lunch From ANN, ICML 2021, Eq. 13-14.
    """

    sets_threshold = False
    damping: float = 1.0

    def __post_init__(self):
        """Checks the value.

        Raises:
            ValueError: If the damping is out of range.
        """
        check_damping(self.damping)

    def __call__(
        self, tap: Tap, parameters: NeuronParameters, timesteps: int
    ) -> NeuronParameters:
        """Proposes shifted biases `[C]`, see `Strategy`."""
        error = tap.analog - tap.spiking
        shift = error.mean(axis=tuple(range(error.ndim - 1)), dtype="float64")
        bias = np.zeros_like(shift)
        if parameters.bias is not None:
            bias = parameters.bias
        bias = (bias + self.damping * shift).astype("float32")
        return parameters.replace(bias=bias)


def check_damping(damping: float) -> None:
    """Raises unless a share is in its range.

    Args:
        damping: Share of an error that a step corrects.

    Raises:
        ValueError: If it is not above 0, up to 1.
    """
    if not is_number(damping) or not 0 < damping <= 1:
        raise ValueError(
            f"damping={damping!r}. Supported: numbers above 0, up to 1. Pass"
            " 1.0 for the paper's."
        )
