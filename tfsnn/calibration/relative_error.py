"""The error that decides about a step."""

import numpy as np

NEGLIGIBLE = 1e-12
"""Mean square of a target below which errors are not divided by it."""


def mean_square(target: np.ndarray) -> float:
    """What errors are divided by.

    Args:
        target: Of any shape.

    Returns:
        Its mean square; 1 of a silent one.
    """
    scale = float(np.mean(np.square(target, dtype="float64")))
    return 1.0 if scale < NEGLIGIBLE else scale


def relative_error(target: np.ndarray, values: np.ndarray) -> float:
    """Mean squared difference over the mean square of the target.

    Args:
        target: Of any shape.
        values: Of the same shape.

    Returns:
        The quotient; of a silent target the mean squared difference.
    """
    difference = (target - values).astype("float64")
    return float(np.mean(np.square(difference)) / mean_square(target))
