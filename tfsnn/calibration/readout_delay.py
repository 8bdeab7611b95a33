"""A read-out that starts late."""

import dataclasses

import numpy as np
import tensorflow as tf

from tfsnn.dynamics.time import unfold
from tfsnn.types import ReadoutParameters

from .arguments import checked_whole
from .tap import Tap


@dataclasses.dataclass(frozen=True)
class ReadoutDelay:
    """Averages over the last T - d steps instead of all T.

        d = argmin sum_{N,K} (1/(T-d) sum_{t>=d} x(t) - z)^2

    with x(t) what the last layer gives at step t and z the analog output. In
    the pipelined clock the first steps come before much of the input has
    arrived. The latency stays T, for the output is there after the same step.
    `StepWeightCalibration`, which weighs every step for itself, has this as a
    special case; take this one to compare with methods that do no more.

    Spikes only counted (`lag=T`), networks with several outputs and those
    without neurons stay as they are.

    Attributes:
        steps: d, from 0, at most T - 1 of which are used; None: of 0...T - 1
            the best on the images that may be fitted.

    References:
        Bu et al., Inference-scale complexity in ANN-SNN conversion for
        high-performance and low-power applications, CVPR 2025,
        arXiv:2409.03368, section 4.5; d there is computed from thresholds.
    """

    sets_threshold = False
    sets_readout = True
    steps: int | None = None

    def __post_init__(self):
        """Checks the value.

        Raises:
            ValueError: If the number of steps is out of range.
        """
        if self.steps is not None:
            steps = checked_whole("steps", self.steps, low=0, default=None)
            object.__setattr__(self, "steps", steps)

    def __call__(
        self, tap: Tap, parameters: ReadoutParameters, timesteps: int
    ) -> ReadoutParameters:
        """Proposes `step_weights` `[T]`, see `Strategy`."""
        if tap.view.counting or tap.view.constant or timesteps == 1:
            return parameters
        errors = _errors(tap, timesteps)
        if errors is None:
            return parameters  # Several outputs.
        delay = int(np.argmin(errors)) if self.steps is None else self.steps
        delay = min(delay, timesteps - 1)
        if not delay:
            return parameters
        weights = np.zeros(timesteps, "float32")
        weights[delay:] = timesteps / (timesteps - delay)
        return parameters.replace(step_weights=weights)


def _errors(tap: Tap, timesteps: int) -> np.ndarray | None:
    """Squared error of each delay, `[T]`; None if there are no steps."""
    errors, start = np.zeros(timesteps), 0
    counts = np.arange(1, timesteps + 1)
    for folded, fit in tap.view.chunks():
        steps = unfold(folded, timesteps)
        steps = tf.boolean_mask(steps, fit, axis=1).numpy()
        target = tap.analog[start : start + steps.shape[1]]
        start += len(target)
        rows = steps.reshape(timesteps, -1).astype("float64")
        late = np.cumsum(rows[::-1], axis=0) / counts[:, None]
        late = late[::-1]
        errors += np.square(late - target.reshape(-1)).sum(axis=1)
    return errors if start else None
