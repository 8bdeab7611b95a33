"""Thresholds of least squared error from means and deviations alone."""

import numpy as np
import numpy.typing as npt

from tfsnn.numerics.checks import (
    check_choice,
    check_finite,
    check_not_negative,
    check_shape,
)
from tfsnn.numerics.dead_channels import replace_dead
from tfsnn.numerics.gaussian_error import REACH, coarse_error, fine_error
from tfsnn.numerics.quantiser import INITIAL_CHARGE, Quantiser

# A channel whose mean is this many deviations below zero is active once in
# a billion values.
DEAD_BELOW = 6.0
# Deviations over mean that are too small for any step to resolve.
CONSTANT_BELOW = 1e-9

NUM_CANDIDATES = 64
NUM_HALVINGS = 40
# Steps in units of the width over which the density changes.
FINE_STEP = 1 / 8


def gaussian_threshold(
    mean: npt.ArrayLike,
    deviation: npt.ArrayLike,
    timesteps: int | Quantiser,
    *,
    rounding: str = "round",
) -> np.ndarray:
    """Threshold with the least expected squared error for Gaussian currents.

        argmin_theta E[(Q(z; theta) - relu(z))^2],   z ~ N(mu, sigma^2)

    Needs no data behind a batch normalisation: mu is its beta and sigma the
    absolute value of its gamma. The error has several minima where sigma is
    small beside a step; the best is taken of those whose largest value the
    channel can reach. A constant channel gets its value as the largest a
    neuron can send; a channel active less than once in a billion values gets
    the largest of the layer, a layer without any other 1.0.

    For a rounding neuron of n levels in steps of theta / n the slope is zero
    where k = 1,

        c_i = ((2i - 1) theta / (2n) - mu) / (sqrt(2) sigma),  i = 1...n
        D = 1 - sum_i (2i - 1) / n^2 * erf(c_i)
        k = mu / theta * (1 - sum_i erf(c_i) / n) / D
            + sigma / (theta * sqrt(pi / 2)) * sum_i exp(-c_i^2) / n / D

    Iterating theta <- k * theta is slow for large n; here the slope is
    bisected, between two points of a grid about the best one.

    Args:
        mean: Means mu of the pre-activations, `[C]` or scalar, activation
            units.
        deviation: Standard deviations sigma, at least 0, shape of `mean`,
            activation units.
        timesteps: Number of steps T of a plain neuron, at least 1, or the
            quantiser of another neuron.
        rounding: Response the threshold is for. "round" as in the reference:
            the potential starts at theta / 2. "floor": it starts at 0.

    Returns:
        Thresholds above 0, float64, shape of `mean`.

    Raises:
        ValueError: If an argument is out of range, not finite or does not
            fit.

    References:
        Huang et al., Differential coding for training-free ANN-to-SNN
        conversion, ICML 2025, arXiv:2503.00301 (fixed point k).
    """
    quantiser = Quantiser.of(timesteps)
    check_choice("rounding", rounding, tuple(INITIAL_CHARGE))
    mean = np.asarray(mean, np.float64)
    deviation = np.asarray(deviation, np.float64)
    check_shape("mean", mean.shape, (), (mean.size,))
    check_shape("deviation", deviation.shape, mean.shape)
    check_finite("mean", mean)
    check_not_negative("deviation", deviation)
    shape, mean, deviation = mean.shape, mean.ravel(), deviation.ravel()
    dead = mean <= -DEAD_BELOW * deviation
    constant = ~dead & (deviation <= CONSTANT_BELOW * mean)
    live = ~dead & ~constant
    largest = np.where(constant, mean, 0.0)
    largest[live] = deviation[live] * _largest_value(
        mean[live] / deviation[live],
        quantiser.num_levels,
        INITIAL_CHARGE[rounding],
    )
    return quantiser.threshold(replace_dead(largest)).reshape(shape)


def _largest_value(mean, num_levels, charge):
    """Best value of the highest level, in deviations."""
    below = np.maximum(-mean, 0.0)
    high = mean + np.hypot(below, REACH)
    low = np.maximum(mean - REACH, high / NUM_CANDIDATES)
    width = 1 / np.maximum(1.0, below)
    fine = high <= FINE_STEP * width * num_levels
    largest = np.empty_like(mean)
    for chosen, error in ((fine, fine_error), (~fine, coarse_error)):
        if chosen.any():
            largest[chosen] = _minimise(
                low[chosen],
                high[chosen],
                lambda p, m=mean[chosen], e=error: e(p, m, num_levels, charge),
            )
    return largest


def _minimise(low, high, error):
    """Finds the least of a grid, then bisects the slope beside it."""
    grid = np.linspace(low, high, NUM_CANDIDATES)
    errors = np.stack([error(candidates).value for candidates in grid])
    best = errors.argmin(axis=0)
    low, middle, high = (
        np.take_along_axis(
            grid, np.clip(best + k, 0, NUM_CANDIDATES - 1)[np.newaxis], 0
        )[0]
        for k in (-1, 0, 1)
    )
    for _ in range(NUM_HALVINGS):
        falling = error(middle).slope < 0
        low = np.where(falling, middle, low)
        high = np.where(falling, high, middle)
        middle = (low + high) / 2
    return middle
