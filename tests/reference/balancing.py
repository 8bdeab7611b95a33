"""Local threshold balancing, one number at a time."""

import numpy as np


def balanced(activations, iterations, batch_size, rate) -> list[float]:
    """Thresholds of each channel; activations `[N, P, C]`."""
    count, _, channels = activations.shape
    num_batches = -(-count // batch_size)
    thresholds = []
    for channel in range(channels):
        theta = 0.0
        for step in range(iterations):
            first = step % num_batches * batch_size
            batch = activations[first : first + batch_size, :, channel]
            excess = [max(x - theta, 0.0) for x in np.ravel(batch)]
            theta += 2 * rate * sum(excess) / len(excess)
        thresholds.append(theta)
    return thresholds
