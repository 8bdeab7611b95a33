"""Slow float64 integrate-and-fire neuron, one number at a time.

Works in activation units, unlike the library, which divides by the threshold
first; on dyadic numbers both are exact.
"""

from typing import NamedTuple

import numpy as np


class Run(NamedTuple):
    """Spikes `[T, B, ...]` and potential `[B, ...]`, both activation units."""

    spikes: np.ndarray
    potential: np.ndarray


def integrate_and_fire(
    current: np.ndarray,
    threshold: np.ndarray | float = 1.0,
    initial_potential: np.ndarray | float = 0.0,
    *,
    bias: np.ndarray | float = 0.0,
    temporal_bias: np.ndarray | None = None,
    reset: str = "soft",
    lag: int = 0,
) -> Run:
    """Charges for T steps and fires for T steps, `lag` steps later.

    A temporal bias `[T, C]` is charged before each decision.
    """
    current = np.asarray(current, np.float64)
    timesteps, *shape = current.shape
    threshold, potential, bias = (
        np.broadcast_to(np.asarray(value, np.float64), shape)
        for value in (threshold, initial_potential, bias)
    )
    spikes = np.zeros((timesteps, *shape))
    potential = potential.copy()
    for neuron in np.ndindex(*shape):
        theta = threshold[neuron]
        for step in range(timesteps + lag):
            if step < timesteps:
                potential[neuron] += current[step][neuron] + bias[neuron]
            if step >= lag and temporal_bias is not None:
                potential[neuron] += temporal_bias[step - lag][neuron[-1]]
            if step >= lag and potential[neuron] >= theta:
                spikes[step - lag][neuron] = theta
                if reset == "soft":
                    potential[neuron] -= theta
                else:
                    potential[neuron] = 0.0
    return Run(spikes, potential)


def count_spikes(
    current: float, threshold: float, timesteps: int, initial_potential: float
) -> int:
    """Spikes of one neuron under the same current at every step."""
    potential, count = initial_potential, 0
    for _ in range(timesteps):
        potential += current
        if potential >= threshold:
            potential -= threshold
            count += 1
    return count
