"""Slow extended neurons, one number at a time, in activation units."""

import math

import numpy as np

from tests.reference.neuron import Run

PLAIN = {"name": "if", "reset": "soft"}


def run_kind(
    kind: dict,
    current: np.ndarray,
    threshold: float = 1.0,
    initial_potential: np.ndarray | float = 0.0,
    *,
    lag: int = 0,
    at_once: bool = False,
) -> Run:
    """Charges for T steps and fires for T steps, `lag` steps later.

    `kind` is what `NeuronKind.to_dict` gives. With `at_once` all T currents
    are charged before the first decision; it then takes no lag.
    """
    current = np.asarray(current, np.float64)
    timesteps, *shape = current.shape
    start = np.broadcast_to(initial_potential, shape)
    spikes = np.zeros((timesteps, *shape))
    left = np.zeros(shape)
    for neuron in np.ndindex(*shape):
        potential, total = float(start[neuron]), 0.0
        for step in range(timesteps + lag):
            if at_once and step == 0:
                potential += timesteps * float(current[0][neuron])
            elif not at_once and step < timesteps:
                potential += float(current[step][neuron])
            if step >= lag:
                now = spike_of(
                    kind, potential, total, step - lag, timesteps, threshold
                )
                spikes[step - lag][neuron] = now
                potential -= now
                total += now
        left[neuron] = potential
    return Run(spikes, left)


def spike_of(
    kind: dict,
    potential: float,
    total: float,
    step: int,
    timesteps: int,
    threshold: float,
) -> float:
    """What a neuron sends; `total` is what it has sent so far."""
    if kind["name"] == "bit_plane":
        size = threshold * timesteps / 2 ** (step + 1)
        return size if potential >= size else 0.0
    if kind["name"] == "burst":
        number = math.floor(potential / threshold)
        return threshold * min(max(number, 0), kind["max_spikes"])
    if potential >= threshold:
        return threshold
    if kind["name"] == "signed" and potential < 0 and total >= threshold:
        return -threshold
    return 0.0
