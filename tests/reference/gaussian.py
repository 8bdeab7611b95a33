"""Squared error of a quantiser under a Gaussian, by brute force."""

import math

import numpy as np


def mean_squared_error(mean, deviation, threshold, num_levels, charge):
    """Integrates (Q(z) - relu(z))^2 by 2**19 midpoints over 12 deviations."""
    edges = np.linspace(-12, 12, 2**19 + 1)
    middle = (edges[1:] + edges[:-1]) / 2
    weight = np.exp(-0.5 * middle**2)
    z = mean + deviation * middle
    step = threshold / num_levels
    level = np.clip(np.floor(z / step + charge), 0, num_levels)
    squares = (step * level - np.maximum(z, 0)) ** 2
    return float((squares * weight).sum() / weight.sum())


def fixed_point_factor(mean, deviation, threshold, num_levels):
    """Factor k of the published iteration theta <- k * theta, term by term."""
    erf_sum = weighted_sum = exp_sum = 0.0
    for i in range(1, num_levels + 1):
        breakpoint = (2 * i - 1) * threshold / (2 * num_levels)
        c = (breakpoint - mean) / (math.sqrt(2) * deviation)
        erf_sum += math.erf(c) / num_levels
        weighted_sum += (2 * i - 1) / num_levels**2 * math.erf(c)
        exp_sum += math.exp(-(c**2)) / num_levels
    return (
        mean / threshold * (1 - erf_sum)
        + deviation / (threshold * math.sqrt(math.pi / 2)) * exp_sum
    ) / (1 - weighted_sum)
