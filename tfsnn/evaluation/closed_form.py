"""What a neuron layer would answer to its mean current, arriving evenly."""

from typing import NamedTuple

import numpy as np

from tfsnn.layers import SpikingActivation
from tfsnn.numerics.mean_response import mean_response


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

    See `mean_response`. A temporal bias counts with its mean over the steps.

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
    current = np.asarray(current, np.float64)
    if cell.bias is not None:
        current = current + np.asarray(cell.bias, np.float64)
    if layer.temporal_bias is not None:
        extra = np.asarray(layer.temporal_bias, np.float64)
        current = current + extra.sum(axis=0) / timesteps
    quantiser = cell.kind.quantiser(timesteps)
    potential = np.asarray(cell.initial_potential, np.float64)
    output = mean_response(current, threshold, potential, timesteps, quantiser)
    return Expected(current, output, quantiser.largest_value(threshold))
