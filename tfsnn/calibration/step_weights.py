"""Calibration of what each step counts in the read-out."""

import dataclasses

import numpy as np
import tensorflow as tf

from tfsnn.dynamics.time import unfold
from tfsnn.types import ReadoutParameters

from .least_squares import check_ridge
from .tap import Tap


@dataclasses.dataclass(frozen=True)
class StepWeightCalibration:
    """Fits the weight of each step in the average over time.

        w = argmin sum_{N,K} (1/T sum_t w_t x(t) - z)^2 + ridge |w - 1|^2

    with x(t) what the last layer gives at step t and z the analog output. In
    the pipelined clock first steps have seen little and say little, and last
    ones make up for what came unevenly; a read-out that starts late is the
    special case of weights of 0. Spikes only counted (`lag=T`), networks with
    several outputs and those without neurons stay as they are.

    Attributes:
        ridge: Weight of the penalty, in mean squares of a step, above 0.

    References:
        Read-outs after a delay: Bu et al., Inference-scale complexity in
        ANN-SNN conversion for high-performance and low-power applications,
        CVPR 2025, arXiv:2409.03368, section 4.5.
    """

    sets_threshold = False
    sets_readout = True
    ridge: float = 0.01

    def __post_init__(self):
        """Checks the value.

        Raises:
            ValueError: If the ridge is out of range.
        """
        check_ridge(self.ridge)

    def __call__(
        self, tap: Tap, parameters: ReadoutParameters, timesteps: int
    ) -> ReadoutParameters:
        """Proposes `step_weights` `[T]`, see `Strategy`."""
        if tap.view.counting or tap.view.constant or timesteps == 1:
            return parameters
        gram, moment = np.zeros((timesteps, timesteps)), np.zeros(timesteps)
        start = 0
        for folded, fit in tap.view.chunks():
            steps = unfold(folded, timesteps)
            steps = tf.boolean_mask(steps, fit, axis=1).numpy()
            target = tap.analog[start : start + steps.shape[1]]
            start += len(target)
            rows = steps.reshape(timesteps, -1).astype("float64") / timesteps
            gram += rows @ rows.T
            moment += rows @ (target.reshape(-1) - rows.sum(axis=0))
        penalty = self.ridge * np.trace(gram) / timesteps
        if not penalty:
            return parameters  # Nothing was fired, or there are no chunks.
        gram += penalty * np.eye(timesteps)
        weights = 1 + np.linalg.solve(gram, moment)
        return parameters.replace(step_weights=weights.astype("float32"))
