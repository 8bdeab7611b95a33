"""Squared error of a uniform quantiser, value by value."""

import math

import numpy as np


def quantise(
    value: float,
    threshold: float,
    timesteps: int,
    charge: float,
    num_levels: int | None = None,
) -> float:
    """Floors one value to a level; `charge` is v0 in steps.

    A step is threshold / timesteps; there are T levels unless said otherwise.
    """
    level = math.floor(timesteps * value / threshold + charge)
    top = timesteps if num_levels is None else num_levels
    return threshold / timesteps * min(max(level, 0), top)


def mean_squared_error(
    values: np.ndarray,
    threshold: float,
    timesteps: int,
    charge: float,
    num_levels: int | None = None,
) -> float:
    """Averages the squared error over all values."""
    errors = [
        (quantise(value, threshold, timesteps, charge, num_levels) - value) ** 2
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
