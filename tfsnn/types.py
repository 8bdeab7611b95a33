"""Values that travel between the floors."""

import dataclasses
from collections.abc import Mapping

import numpy as np


@dataclasses.dataclass(frozen=True)
class NeuronParameters:
    """What calibration may set of one neuron layer, in activation units.

    Threshold, potential and bias have the shape `[]` (one for the layer), `[C]`
    (one a channel) or that of a feature map (one a neuron).

    Attributes:
        threshold: Firing threshold, above 0.
        initial_potential: Potential before the first step.
        bias: Current added at every step; None: none.
        temporal_bias: Charge added before the decision of each firing step,
            `[T, C]`; None: none.
        weights: New weights of affine layers in front of the neuron, layer
            name to what its `get_weights` would return; None: the source's.
    """

    threshold: np.ndarray
    initial_potential: np.ndarray
    bias: np.ndarray | None = None
    temporal_bias: np.ndarray | None = None
    weights: Mapping[str, tuple[np.ndarray, ...]] | None = None

    def replace(self, **changes) -> "NeuronParameters":
        """A copy with some arrays replaced."""
        return dataclasses.replace(self, **changes)

    def is_finite(self) -> bool:
        """Whether no value is NaN or infinite."""
        values = [
            self.threshold,
            self.initial_potential,
            self.bias,
            self.temporal_bias,
        ]
        for weights in (self.weights or {}).values():
            values += weights
        return all(np.isfinite(v).all() for v in values if v is not None)


@dataclasses.dataclass(frozen=True)
class ReadoutParameters:
    """What calibration may set of a read-out.

    Attributes:
        weights: New weights of affine layers behind the last neurons, layer
            name to what its `get_weights` would return; None: the source's.
        step_weights: What each step counts in the average over time, `[T]`;
            None: 1 each.
    """

    weights: Mapping[str, tuple[np.ndarray, ...]] | None = None
    step_weights: np.ndarray | None = None

    def replace(self, **changes) -> "ReadoutParameters":
        """A copy with some values changed."""
        return dataclasses.replace(self, **changes)

    def is_finite(self) -> bool:
        """Whether no value is NaN or infinite."""
        arrays = [v for values in (self.weights or {}).values() for v in values]
        if self.step_weights is not None:
            arrays.append(self.step_weights)
        return all(np.isfinite(array).all() for array in arrays)


Parameters = NeuronParameters | ReadoutParameters


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
