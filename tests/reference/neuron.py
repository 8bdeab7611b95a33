"""One integrate-and-fire neuron, step by step."""

import numpy as np


def count_spikes(
    current: float, threshold: float, timesteps: int, potential: float = 0.0
) -> int:
    """Simulates one neuron with soft reset under a constant current."""
    current, threshold = np.float64(current), np.float64(threshold)
    potential, count = np.float64(potential), 0
    for _ in range(timesteps):
        potential += current
        if potential >= threshold:
            potential -= threshold
            count += 1
    return count
