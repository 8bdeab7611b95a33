"""Weight calibration, the costly half of the paper's Advanced pipeline."""

import dataclasses

from tfsnn.types import NeuronParameters

from .segment_training import train_segment
from .tap import Tap
from .training_options import TrainingOptions


@dataclasses.dataclass(frozen=True)
class WeightCalibration(TrainingOptions):
    """Trains the weights in front of a neuron on mean rates (Eq. 17-18).

        W <- argmin_W sum_c mean_{N,H,W} (Q(W r_in + b; theta, v0, T) - a)^2

    Mean rates hide when spikes arrive: bias calibration should follow. The
    defaults are the paper's; `rounding="neuron"` fits a neuron that starts
    at a potential, and Adam needs far fewer iterations.

    Attributes:
        iterations: These and all others as in `TrainingOptions`.

    References:
        Li et al., A Free Lunch From ANN, ICML 2021, section 4.3, Eq. 17-18,
        and section 5.1 (hyper-parameters).
    """

    sets_threshold = False

    def __call__(
        self, tap: Tap, parameters: NeuronParameters, timesteps: int
    ) -> NeuronParameters:
        """Proposes trained weights, see `Strategy`.

        Args:
            tap: What the segment does now; its view is needed.
            parameters: The present parameters.
            timesteps: T.

        Returns:
            Parameters with `weights`, and with a bias, a threshold and an
            initial potential where these are trained; `parameters` itself if
            nothing better was found.
        """
        return train_segment(
            tap.view.segment,
            tap.view.training_set(),
            parameters,
            timesteps,
            kind=tap.view.kind,
            options=self,
            fixed=tap.view.fixed_layers,
        )
