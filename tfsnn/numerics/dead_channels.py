"""Largest values of channels that are never active."""

import numpy as np

# Activations below this are dust: a threshold that small, or a hundredth of
# it, could underflow to zero in float32.
SMALLEST_MAXIMUM = 1e-30


def is_dead(peaks: np.ndarray) -> np.ndarray:
    """Whether a channel has no activation worth the name.

    Args:
        peaks: Largest activations, any shape, activation units.

    Returns:
        True where below `SMALLEST_MAXIMUM`, same shape.
    """
    return peaks < SMALLEST_MAXIMUM


def replace_dead(peaks: np.ndarray) -> np.ndarray:
    """Gives dead channels the largest value of the layer.

    Args:
        peaks: Largest activations, `[C]` with C of at least 1, activation
            units.

    Returns:
        Values above 0, `[C]`: 1.0 where the whole layer is dead.
    """
    dead = is_dead(peaks)
    return np.where(dead, 1.0 if dead.all() else peaks.max(), peaks)
