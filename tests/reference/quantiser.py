"""Squared error of a quantiser of T levels, value by value."""

import math

import numpy as np


def quantise(
    value: float, threshold: float, timesteps: int, charge: float
) -> float:
    """Floors one value to a level; `charge` is v0 in units of theta."""
    level = math.floor(timesteps * value / threshold + charge)
    return threshold / timesteps * min(max(level, 0), timesteps)


def mean_squared_error(
    values: np.ndarray, threshold: float, timesteps: int, charge: float
) -> float:
    """Averages the squared error over all values."""
    errors = [
        (quantise(value, threshold, timesteps, charge) - value) ** 2
        for value in values.ravel().tolist()
    ]
    return math.fsum(errors) / len(errors)


def grid_errors(
    values: np.ndarray, timesteps: int, charge: float, num_candidates: int
) -> tuple[np.ndarray, np.ndarray]:
    """Searches the whole grid: candidates and their errors, each `[K]`."""
    maximum = float(values.max())
    # In this order the last candidate is the maximum, to the bit.
    grid = [
        maximum * (k / num_candidates) for k in range(1, num_candidates + 1)
    ]
    errors = [
        mean_squared_error(values, threshold, timesteps, charge)
        for threshold in grid
    ]
    return np.array(grid), np.array(errors)
