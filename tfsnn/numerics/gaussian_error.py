"""Squared error of a uniform quantiser on the ReLU of Gaussian values.

All values are in units of the standard deviation. With z ~ N(mu, 1), a
quantiser that sends s times the number of breakpoints b_i = (i - c) * s <= z,
i = 1...n, and p = n * s, the error of the ReLU a = max(z, 0) is

    E = E[a^2] - 2 s sum_i M_i + s^2 sum_i (2i - 1) P_i

where P_i = P(z >= b_i) and M_i = E[z; z >= b_i]; all breakpoints are above 0,
where z = a. Its slope is

    dE/ds = -2 sum_i M_i + 2 s sum_i (2i - 1) P_i
            + s^2 (1 - 2c) sum_i (i - c) f(b_i)

with the density f. For c = 1/2 it is zero where s = sum M / sum (2i - 1) P.
"""

import math
from typing import NamedTuple

import numpy as np

# Beyond this many deviations nothing is left: P is 2e-28.
REACH = 11.0

_erfc = np.vectorize(math.erfc, otypes=[np.float64])


class Error(NamedTuple):
    """Mean squared error and its slope over the largest value, each `[C]`."""

    value: np.ndarray
    slope: np.ndarray


def upper_tail(x: np.ndarray) -> np.ndarray:
    """Probability that a standard Gaussian value is at least x.

    Args:
        x: Any shape, standard deviations.

    Returns:
        Probabilities, float64, same shape.
    """
    return 0.5 * _erfc(x / math.sqrt(2.0))


def density(x: np.ndarray) -> np.ndarray:
    """Density of a standard Gaussian value.

    Args:
        x: Any shape, standard deviations.

    Returns:
        Densities, float64, same shape.
    """
    return np.exp(-0.5 * np.square(x)) / math.sqrt(2.0 * math.pi)


def coarse_error(
    largest: np.ndarray, mean: np.ndarray, num_levels: int, charge: float
) -> Error:
    """Error as the sum over breakpoints, for steps of any size.

    Only breakpoints within `REACH` of the mean are summed over. Those below
    are counted: values are taken from the highest of their levels, which
    leaves small numbers to subtract from each other.

    Args:
        largest: Values of the highest level p above 0, `[C]`, deviations.
        mean: Means mu, `[C]`, deviations.
        num_levels: Levels n above zero, at least 1.
        charge: Levels added before the floor c, 0...1/2.

    Returns:
        Error E in squared deviations and its slope dE/dp in deviations.

    References:
        Huang et al., Differential coding for training-free ANN-to-SNN
        conversion, ICML 2025, arXiv:2503.00301
        (zero of the slope for c = 1/2).
    """
    step = largest / num_levels
    below = np.clip(np.floor((mean - REACH) / step + charge), 0, num_levels)
    rest = mean - below * step
    width = math.ceil(min(num_levels, (2 * REACH / step + 2).max()))
    level = np.arange(1, width + 1)[:, np.newaxis]
    at = (level - charge) * step - rest
    exists = level <= num_levels - below
    tail = np.where(exists, upper_tail(at), 0.0)
    peak = np.where(exists, density(at), 0.0)
    moment = rest * tail + peak
    weighted = step * (2 * level - 1) * tail
    start = np.where(below > 0, np.square(rest) + 1.0, _relu_square(mean))
    value = start + step * (weighted - 2 * moment).sum(axis=0)
    slope = (weighted - moment).sum(axis=0)
    slope += below * (step * tail.sum(axis=0) - rest)
    moved = (below + level - charge) * peak
    slope += (0.5 - charge) * np.square(step) * moved.sum(axis=0)
    return Error(value, 2 * slope / num_levels)


def fine_error(
    largest: np.ndarray, mean: np.ndarray, num_levels: int, charge: float
) -> Error:
    """Error for steps so small that the density is a line across each.

        E = E[(z - p)+^2] + A s^2 P(0 <= z < p) + B s^3 (f(p) - f(0))
        A = ((1 - c)^3 + c^3) / 3,   B = (1 - 2c) / 12

    Args:
        largest: As in `coarse_error`.
        mean: As in `coarse_error`.
        num_levels: As in `coarse_error`.
        charge: As in `coarse_error`.

    Returns:
        As in `coarse_error`.

    References:
        Euler-Maclaurin expansion of `coarse_error`.
    """
    even = ((1 - charge) ** 3 + charge**3) / 3
    tilt = (1 - 2 * charge) / 12
    step = largest / num_levels
    top = largest - mean
    tail, peak = upper_tail(top), density(top)
    inside = upper_tail(-mean) - tail
    rise = peak - density(mean)
    clipped = (1 + np.square(top)) * tail - top * peak
    value = clipped + even * step**2 * inside + tilt * step**3 * rise
    slope = 2 * (top * tail - peak) + even * step**2 * peak
    slope += (2 * even * step * inside + 3 * tilt * step**2 * rise) / num_levels
    slope -= tilt * step**3 * top * peak
    return Error(value, slope)


def _relu_square(mean):
    return (1 + np.square(mean)) * upper_tail(-mean) + mean * density(mean)
