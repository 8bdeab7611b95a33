"""Mean output of a neuron of any kind under a current that arrives evenly."""

import numpy as np
import numpy.typing as npt

from tfsnn.numerics.quantiser import Quantiser


def mean_response(
    current: npt.ArrayLike,
    threshold: npt.ArrayLike,
    initial_potential: npt.ArrayLike,
    timesteps: int,
    quantiser: Quantiser,
) -> np.ndarray:
    """The closed form of a neuron, in float64.

        theta / L * clip(floor(L x / theta + L v0 / (T theta)), 0, n)

    n levels, L to a threshold; both are T for plain neurons, and then this is
    `response`.

    Args:
        current: Mean input x per step, `[..., C]`, activation units.
        threshold: theta above 0, broadcasts to the current, activation units.
        initial_potential: v0, likewise.
        timesteps: T, at least 1.
        quantiser: Levels of the kind of neuron.

    Returns:
        Values in 0...n theta / L, shape of the current, float64.

    References:
        Li et al., A Free Lunch From ANN, 2021, arXiv:2106.06984, Eq. 9-10, 15.
    """
    current = np.asarray(current, np.float64)
    threshold = np.asarray(threshold, np.float64)
    potential = np.asarray(initial_potential, np.float64)
    levels = quantiser.levels_per_threshold
    start = potential / threshold * (levels / timesteps)
    count = np.floor(start + levels * (current / threshold))
    return threshold / levels * np.clip(count, 0, quantiser.num_levels)
