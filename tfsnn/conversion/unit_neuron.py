"""A neuron layer with a threshold of one in place of another."""

import dataclasses

import keras
import numpy as np

from tfsnn.layers import SpikingActivation
from tfsnn.layers.extended_cell import CELLS
from tfsnn.types import granularity_of


@dataclasses.dataclass(frozen=True, eq=False)
class UnitNeuron:
    """What a neuron layer is, in activation units.

    Attributes:
        layer: The neuron layer; it is not changed.
        threshold: `[]` or `[C]`, float64.
        spike: What one of its spikes is worth, `[]` or `[C]`, float64.
        bias: Bias current, `[]`, `[C]` or one a neuron, float64; None: none.
    """

    layer: SpikingActivation
    threshold: np.ndarray
    spike: np.ndarray
    bias: np.ndarray | None

    def rebuilt(self, name: str, *, with_bias: bool) -> SpikingActivation:
        """An unbuilt layer with a threshold of one and spikes in units of it.

        Args:
            name: Its name.
            with_bias: Whether it keeps the bias current.

        Returns:
            A layer; call it, then `assign` it.
        """
        cell = self.layer.cell
        features = cell.state_size[0]
        potential, bias = self._in_thresholds()
        bias_per = granularity_of(bias, features) if with_bias else None
        config = {
            **cell.get_config(),
            "threshold": 1.0,
            "threshold_per": None,
            "initial_potential_per": granularity_of(potential, features),
            "bias_per": bias_per,
            "spike_values": "unit",
        }
        return SpikingActivation.from_config(
            {
                **self.layer.get_config(),
                "name": name,
                "cell": type(cell).from_config(config),
            }
        )

    def assign(self, layer: SpikingActivation) -> None:
        """Writes potential and biases into what `rebuilt` returned."""
        potential, bias = self._in_thresholds()
        layer.cell.initial_potential.assign(potential)
        if layer.temporal_bias is not None:
            charges = _values(self.layer.temporal_bias)
            layer.temporal_bias.assign(charges / self.threshold)
        if layer.cell.bias is not None:
            layer.cell.bias.assign(bias)

    def _in_thresholds(self):
        potential = _values(self.layer.cell.initial_potential)
        bias = None if self.bias is None else self.bias / self.threshold
        return potential / self.threshold, bias


def unit_neuron(operation: keras.Operation) -> UnitNeuron | None:
    """Reads a neuron layer.

    Args:
        operation: Any operation; a neuron layer must be built.

    Returns:
        None for anything but a `SpikingActivation` with an `IFCell`, and for
        one whose threshold differs between positions, which no kernel can
        take up.
    """
    if type(operation) is not SpikingActivation:
        return None
    cell = operation.cell
    if type(cell) not in CELLS or np.ndim(cell.threshold) > 1:
        return None
    threshold = _values(cell.threshold)
    unit = cell.spike_values == "unit"
    bias = None if cell.bias is None else _values(cell.bias)
    if bias is not None and not bias.any():
        bias = None
    return UnitNeuron(
        operation, threshold, np.array(1.0) if unit else threshold, bias
    )


def _values(variable):
    return np.asarray(keras.ops.convert_to_numpy(variable), "float64")
