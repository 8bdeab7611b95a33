"""The Gaussian whose positive part has given moments."""

import numpy as np
import numpy.typing as npt

from tfsnn.numerics.checks import check_not_negative, check_shape
from tfsnn.numerics.gaussian_error import REACH, density, upper_tail

NUM_HALVINGS = 60


def rectified_gaussian(
    first: npt.ArrayLike, second: npt.ArrayLike
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation of Gaussian currents, from the activations alone.

    For z ~ N(mu, sigma^2), a = relu(z) and r = mu / sigma, with the standard
    Gaussian's distribution F and density f,

        E[a] = sigma (r F(r) + f(r))
        E[a^2] = sigma^2 ((r^2 + 1) F(r) + r f(r))

    E[a^2] / E[a]^2 falls with r alone and is bisected. Beyond 11 deviations on
    either side nothing else is told apart: above, z = a; below, r = -11 is
    taken.

    Args:
        first: Means of the activations E[a], `[C]` or scalar, at least 0,
            activation units.
        second: Means of their squares E[a^2], shape of `first`, squared
            activation units.

    Returns:
        Means mu and deviations sigma, both float64, shape of `first`; both 0
        for a channel that is always 0.

    Raises:
        ValueError: If a moment is negative or not finite, or shapes differ.

    References:
        Tobin, Estimation of relationships for limited dependent variables,
        Econometrica 1958 (moments of a censored Gaussian).
    """
    first = np.asarray(first, np.float64)
    second = np.asarray(second, np.float64)
    check_shape("second", second.shape, first.shape)
    check_not_negative("first", first)
    check_not_negative("second", second)
    silent = first == 0
    scale = np.where(silent, 1.0, first)
    # In units of the mean: no square underflows after this.
    square = np.where(silent, 1.0, second / scale / scale)
    spread = np.sqrt(np.maximum(square - 1.0, 0.0))
    ratio = _ratio(np.maximum(square, 1.0))
    unseen = spread * REACH < 1.0
    mean, _ = _moments(ratio)
    deviation = np.where(unseen, spread, 1.0 / mean)
    centre = np.where(unseen, 1.0, ratio * deviation)
    live = np.where(silent, 0.0, first)
    return centre * live, deviation * live


def _ratio(square):
    """Finds r from E[a^2] / E[a]^2, within the reach."""
    low = np.full(square.shape, -REACH)
    high = np.full(square.shape, REACH)
    for _ in range(NUM_HALVINGS):
        middle = (low + high) / 2
        mean, mean_square = _moments(middle)
        above = mean_square / np.square(mean) > square
        low = np.where(above, middle, low)
        high = np.where(above, high, middle)
    return (low + high) / 2


def _moments(ratio):
    """E[a] and E[a^2] for a deviation of 1."""
    inside, peak = upper_tail(-ratio), density(ratio)
    mean = ratio * inside + peak
    return mean, (np.square(ratio) + 1.0) * inside + ratio * peak
