"""What a neuron layer would answer to its mean current, arriving evenly."""

from typing import NamedTuple

import numpy as np

from tfsnn.layers import SpikingActivation


class Expected(NamedTuple):
    """The closed form of a batch.

    Attributes:
        current: Mean current with all biases x, `[B, ...]`, float64.
        output: Mean output Q(x), same shape.
        largest: Most that each neuron can send, broadcasts to these.
    """

    current: np.ndarray
    output: np.ndarray
    largest: np.ndarray


def expected_output(layer: SpikingActivation, current: np.ndarray) -> Expected:
    """Computes it from the variables of the layer.

        Q(x) = theta / L * clip(floor(L x / theta + L v0 / (T theta)), 0, n)

    n levels, L to a threshold; both are T for plain neurons. A temporal bias
    counts with its mean over the steps.

    Args:
        layer: A neuron layer whose spikes are worth a threshold, any reset.
        current: Mean current without its biases, `[B, ...]`.

    Returns:
        What is expected.

    References:
        Li et al., A Free Lunch From ANN, ICML 2021, Eq. 9-10, 15.
    """
    cell, timesteps = layer.cell, layer.timesteps
    threshold = np.asarray(cell.threshold, np.float64)
    potential = np.asarray(cell.initial_potential, np.float64)
    current = np.asarray(current, np.float64)
    if cell.bias is not None:
        current = current + np.asarray(cell.bias, np.float64)
    if layer.temporal_bias is not None:
        extra = np.asarray(layer.temporal_bias, np.float64)
        current = current + extra.sum(axis=0) / timesteps
    quantiser = cell.kind.quantiser(timesteps)
    levels = quantiser.levels_per_threshold
    start = potential / threshold * (levels / timesteps)
    count = np.clip(
        np.floor(start + levels * (current / threshold)),
        0,
        quantiser.num_levels,
    )
    largest = quantiser.largest_value(threshold)
    return Expected(current, threshold / levels * count, largest)
