"""Mean output of an integrate-and-fire neuron, in closed form."""

import numpy as np
import numpy.typing as npt

from tfsnn.numerics.checks import check_count, check_threshold


def spike_count(
    current: npt.ArrayLike,
    threshold: npt.ArrayLike,
    timesteps: int,
    initial_potential: npt.ArrayLike = 0.0,
) -> np.ndarray:
    """Number of spikes fired under a current that arrives evenly.

        count = clip(floor(v0 / theta + T * (x / theta)), 0, T)

    The potential is measured in units of the threshold, so the count is exact
    wherever `current`, `threshold` and `initial_potential` are dyadic numbers.

    Args:
        current: Mean input x per step, `[..., C]`, activation units. Its
            floating dtype is the dtype of the computation; other dtypes are
            computed in float64.
        threshold: Firing threshold theta above 0, scalar or `[C]`,
            activation units.
        timesteps: Number of steps T, at least 1.
        initial_potential: Potential v0 before the first step, activation
            units; any shape that broadcasts to that of `current`. Half the
            threshold makes the neuron round instead of floor.

    Returns:
        Whole numbers in 0...T, shape and floating dtype of `current`.

    Raises:
        ValueError: If a threshold is not finite and above 0, `timesteps` is
            not an integer of at least 1, or shapes do not fit.

    References:
        Li et al., A Free Lunch From ANN, 2021, arXiv:2106.06984, Eq. 9-10
        (count), Eq. 15 (initial potential).
    """
    check_count("timesteps", timesteps)
    check_threshold("threshold", threshold)
    current = _as_floating(current)
    threshold = _fit("threshold", threshold, current)
    charge = _fit("initial_potential", initial_potential, current) / threshold
    steps = current.dtype.type(timesteps)
    return np.clip(np.floor(charge + steps * (current / threshold)), 0, steps)


def response(
    current: npt.ArrayLike,
    threshold: npt.ArrayLike,
    timesteps: int,
    initial_potential: npt.ArrayLike = 0.0,
) -> np.ndarray:
    """Mean output over time under a current that arrives evenly.

        response = theta / T * clip(floor((T * x + v0) / theta), 0, T)

    Args:
        current: As in `spike_count`.
        threshold: As in `spike_count`.
        timesteps: As in `spike_count`.
        initial_potential: As in `spike_count`.

    Returns:
        Values in 0...theta, activation units; shape and floating dtype of
        `current`.

    Raises:
        ValueError: As in `spike_count`.

    References:
        Li et al., A Free Lunch From ANN, 2021, arXiv:2106.06984, Eq. 9-10, 15.
    """
    count = spike_count(current, threshold, timesteps, initial_potential)
    step = np.asarray(threshold, count.dtype) / count.dtype.type(timesteps)
    return step * count


def _as_floating(values: npt.ArrayLike) -> np.ndarray:
    values = np.asarray(values)
    if np.issubdtype(values.dtype, np.floating):
        return values
    return values.astype(np.float64)


def _fit(name: str, value: npt.ArrayLike, current: np.ndarray) -> np.ndarray:
    value = np.asarray(value, current.dtype)
    try:
        fits = np.broadcast_shapes(value.shape, current.shape) == current.shape
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(
            f"`{name}` has shape {value.shape} beside a current of shape "
            f"{current.shape}. Supported: a scalar, or a shape that "
            "broadcasts to that of the current. Channels are its last axis."
        )
    return value
