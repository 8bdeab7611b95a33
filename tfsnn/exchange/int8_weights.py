"""Weights on the grid of 8-bit integers, before anything is calibrated."""

import keras
import numpy as np

from tfsnn.graph.passes.kernel_layers import kernel_layouts
from tfsnn.graph.trace import trace
from tfsnn.numerics import KernelLayout

LEVELS = 127


def with_int8_weights(model: keras.Model) -> keras.Model:
    """Rounds the kernels of an analog network to 8 bits a value.

        W' = s * round(W / s),    s = max |W| / 127

    with a scale s for each output channel, as LiteRT stores them. A batch norm
    behind a kernel scales output channels and keeps the grid. Convert and
    calibrate the network that is returned: thresholds and biases then fit what
    the rounded weights give, and `export_litert(..., weights="int8")` rounds
    nothing further. Pipelines that set weights leave the grid.

    Args:
        model: A Functional or Sequential network; it is not changed.

    Returns:
        A copy with rounded kernels; biases are not rounded.

    Raises:
        ConversionError: If its graph is not known.
        TypeError: If it is not a Keras model.
    """
    copy = trace(model).model
    for layer in copy.layers:
        layouts = kernel_layouts(layer)
        if not layouts:
            continue
        weights = layer.get_weights()
        for index, layout in enumerate(layouts):
            weights[index] = _rounded(weights[index], layout)
        layer.set_weights(weights)
    return copy


def _rounded(kernel: np.ndarray, layout: KernelLayout) -> np.ndarray:
    wide = kernel.astype("float64")
    largest = layout.largest_by_output(wide)
    scale = np.where(largest > 0, largest / LEVELS, 1.0)
    whole = np.round(layout.scale_outputs(wide, 1 / scale))
    return layout.scale_outputs(whole, scale).astype(kernel.dtype)
