"""Thresholds from the currents that spikes bring: Spike-Norm and RMP."""

import dataclasses

import numpy as np

from tfsnn.calibration import Tap
from tfsnn.calibration.arguments import is_number
from tfsnn.calibration.thresholds import with_threshold
from tfsnn.types import NeuronParameters


@dataclasses.dataclass(frozen=True)
class SpikeNormThreshold:
    """The largest current of one step, over images, neurons and steps.

        theta_l = scale * max over i, n, t of (W_l s_{l-1}(t))_n

    with s the spikes of the layers before, of amplitude theta_{l-1}, whose
    thresholds are set already; a bias is part of the current. A layer whose
    current is the same at every step, and any layer in the two-phase clock,
    has its mean current.

    A scale is applied layer by layer: the spikes of scaled layers decide about
    the next one. The code of hybrid training (Rathi et al., 2020) balances all
    layers first, then scales.

    The potential starts at 0. The images that the currents of a segment are
    kept of are used, see `SweepConfig.current_budget`.

    Attributes:
        scale: Factor of the maximum, above 0: 1 in Spike-Norm, below 1 in RMP
            and in hybrid training.

    References:
        Sengupta, Ye, Wang, Liu, Roy, Going Deeper in Spiking Neural Networks:
        VGG and Residual Architectures, Frontiers in Neuroscience 13:95, 2019,
        arXiv:1802.02627 (Spike-Norm).
    """

    sets_threshold = True
    scale: float = 1.0

    def __post_init__(self):
        """Checks the value.

        Raises:
            ValueError: If the scale is not above 0.
        """
        if not is_number(self.scale) or not self.scale > 0:
            raise ValueError(
                f"scale={self.scale!r}. Supported: numbers above 0. Pass 1.0"
                " for Spike-Norm's."
            )

    def __call__(
        self, tap: Tap, parameters: NeuronParameters | None, timesteps: int
    ) -> NeuronParameters:
        """Proposes one threshold for the layer, see `Strategy`."""
        largest = -np.inf
        for current, fit in tap.view.chunks():
            values = current.numpy()
            # Folded time, or one current a image where it is constant.
            values = values.reshape(-1, len(fit), *values.shape[1:])
            if fit.any():
                largest = max(largest, float(values[:, fit].max()))
        # A layer that never gets a positive current never fires.
        threshold = self.scale * largest if largest > 0 else 1.0
        threshold = tap.kind.quantiser(timesteps).threshold(threshold)
        return with_threshold(parameters, threshold, 0.0)
