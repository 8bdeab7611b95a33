"""The test classifier as a spiking network in NumPy, float64, one by one."""

from typing import NamedTuple

import keras
import numpy as np

from .neuron import integrate_and_fire


class SpikingRun(NamedTuple):
    """Logits of each step `[T, B, K]` and spike trains `[T, B, H, W, C]`."""

    logits: np.ndarray
    spikes: dict[str, np.ndarray]


def convolution(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray):
    """A 3x3 convolution without padding, `[B, H, W, C]`."""
    height, width = x.shape[1] - 2, x.shape[2] - 2
    total = np.zeros((len(x), height, width, kernel.shape[-1])) + bias
    for row, column in np.ndindex(3, 3):
        window = x[:, row : row + height, column : column + width]
        total += window @ kernel[row, column].astype("float64")
    return total


def run_classifier(
    model: keras.Model, images: np.ndarray, timesteps: int, lag: int = 0
) -> SpikingRun:
    """Runs `classifier()` as a spiking network, thresholds 1, start 1/2.

    Args:
        model: The plain network.
        images: `[B, H, W, C]`.
        timesteps: T.
        lag: Of the second neuron; the first has a constant current.

    Returns:
        Logits and spikes.
    """
    weights = {
        layer.name: layer.get_weights()
        for layer in model.layers
        if layer.get_weights()
    }
    stem = convolution(images, *weights["stem"])
    first = integrate_and_fire(np.stack([stem] * timesteps), 1.0, 0.5).spikes
    current = np.stack([convolution(s, *weights["conv"]) for s in first])
    second = integrate_and_fire(current, 1.0, 0.5, lag=lag).spikes
    kernel, bias = weights["logits"]
    flat = second.reshape(timesteps, len(images), -1)
    return SpikingRun(flat @ kernel + bias, {"first": first, "second": second})
