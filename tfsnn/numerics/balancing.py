"""Thresholds that rise by what they clip."""

import numpy as np


def balanced_thresholds(
    activations: np.ndarray,
    *,
    iterations: int,
    batch_size: int,
    rate: float = 1.0,
) -> np.ndarray:
    """Local threshold balancing, one batch a step, from 0.

        theta_c <- theta_c + 2 rate * mean over batch and positions of
                   relu(x_c - theta_c)

    The mean is read off sorted values and their sums from above, so that a
    step costs a search instead of a pass over the batch.

    Args:
        activations: `[N, P, C]`: images, positions, channels.
        iterations: Steps, at least 1.
        batch_size: Images of a batch; the last one may be smaller. Batches
            come in order, again and again.
        rate: Step size, above 0.

    Returns:
        Thresholds above 0, float64 `[C]`. A channel that is never active has
        that of the largest one, a layer that is never active 1.0.

    References:
        Bu, Li, Yu, Inference-Scale Complexity in ANN-SNN Conversion for
        High-Performance and Low-Power Applications, CVPR 2025,
        arXiv:2409.03368, Eq. 14-15 and 17, with the mean of the authors' code
        for the sum.
    """
    starts = range(0, len(activations), batch_size)
    batches = [
        _Excess(activations[start : start + batch_size]) for start in starts
    ]
    thresholds = np.zeros(activations.shape[-1])
    for step in range(iterations):
        excess = batches[step % len(batches)]
        thresholds = thresholds + 2 * rate * excess(thresholds)
    if not (thresholds > 0).any():
        return np.ones_like(thresholds)
    return np.where(thresholds > 0, thresholds, thresholds.max())


class _Excess:
    """Mean of what exceeds a threshold, for each channel."""

    def __init__(self, batch: np.ndarray):
        values = batch.reshape(-1, batch.shape[-1]).T.astype("float64")
        self._count = values.shape[-1]
        self._sorted = np.sort(values, axis=-1)
        # Sum of the i-th value and all above it; 0 behind the last.
        sums = np.cumsum(self._sorted[:, ::-1], axis=-1)[:, ::-1]
        self._sums = np.pad(sums, [(0, 0), (0, 1)])

    def __call__(self, thresholds: np.ndarray) -> np.ndarray:
        excess = np.empty_like(thresholds)
        for channel, threshold in enumerate(thresholds):
            first = np.searchsorted(self._sorted[channel], threshold, "right")
            above = self._count - first
            excess[channel] = (
                self._sums[channel, first] - above * threshold
            ) / self._count
        return np.maximum(excess, 0)
