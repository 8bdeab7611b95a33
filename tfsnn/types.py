"""Values that travel between the floors."""

import dataclasses
from collections.abc import Mapping

import numpy as np


@dataclasses.dataclass(frozen=True)
class NeuronParameters:
    """What calibration may set of one neuron layer, in activation units.

    Each array of the neuron has the shape `[]` (one for the layer), `[C]` (one
    a channel) or that of a feature map (one a neuron).

    Attributes:
        threshold: Firing threshold, above 0.
        initial_potential: Potential before the first step.
        bias: Current added at every step; None: none.
        temporal_bias: Current added at each step by itself, time first; None:
            none.
        weights: Layer name to weights in the order of its `get_weights()`, for
            layers that make the neuron's current; None: as converted.
    """

    threshold: np.ndarray
    initial_potential: np.ndarray
    bias: np.ndarray | None = None
    temporal_bias: np.ndarray | None = None
    weights: Mapping[str, tuple[np.ndarray, ...]] | None = None

    def replace(self, **changes) -> "NeuronParameters":
        """A copy with some arrays replaced."""
        return dataclasses.replace(self, **changes)


def granularity_of(values: np.ndarray, feature_shape: tuple) -> str:
    """Names what a parameter array is shared per.

    Args:
        values: Parameter array.
        feature_shape: Shape of the feature map, without the batch.

    Returns:
        `"layer"`, `"channel"` or `"neuron"`.

    Raises:
        ValueError: If the shape is none of the three.
    """
    shape = np.shape(values)
    if shape == ():
        return "layer"
    if shape == tuple(feature_shape[-1:]):
        return "channel"
    if shape == tuple(feature_shape):
        return "neuron"
    raise ValueError(
        f"A parameter of shape {shape} does not fit a feature map"
        f" {tuple(feature_shape)}. Supported: (), {tuple(feature_shape[-1:])}"
        f" and {tuple(feature_shape)}."
    )
