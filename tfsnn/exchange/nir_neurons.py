"""A neuron layer as an IF node, and what of it is lost."""

import dataclasses
import types
from typing import Any

import keras
import numpy as np

from tfsnn.graph.view import Call

from .loss_report import Loss
from .nir_kernels import flat_order


@dataclasses.dataclass(frozen=True, eq=False)
class NeuronNode:
    """A neuron layer in NIR's terms.

    Attributes:
        node: The IF node, its threshold 1.
        scale: What the current is to be multiplied with, `[C]`.
        offset: What is to be added to it at each step, `[C]`.
        losses: What the node cannot carry.
    """

    node: Any
    scale: np.ndarray
    offset: np.ndarray
    losses: tuple[Loss, ...]


def neuron_node(
    nir: types.ModuleType,
    call: Call,
    *,
    flattened: tuple | None,
    in_bias: bool,
) -> NeuronNode:
    """The node of a neuron layer.

    Args:
        nir: The package.
        call: The neuron.
        flattened: Shape of its input before it was flattened, if so.
        in_bias: Whether a T-th of the initial potential goes into the bias of
            each step; else it is metadata.

    Returns:
        The node, and the charge that it has no place for.

    Raises:
        ValueError: If the neuron is not plain, or charges differ within a
            channel.
    """
    layer, shape = call.operation, tuple(call.input_tensors[0].shape[1:])
    cell = layer.cell
    if not cell.kind.is_plain:
        raise ValueError(f"it fires '{cell.kind.name}', not 0 or 1")
    threshold = np.broadcast_to(np.asarray(cell.threshold, "float64"), shape)
    potential = np.broadcast_to(_value(cell.initial_potential), shape)
    potential = potential / threshold
    offset = np.zeros(shape)
    if cell.bias is not None:
        offset = offset + _value(cell.bias) / threshold
    losses = []
    if layer.temporal_bias is not None:
        mean = _value(layer.temporal_bias).mean(axis=0)
        offset = offset + mean / threshold
        losses.append(
            Loss(
                call.name,
                "a charge of its own at each step",
                "its mean over the steps, in the bias",
                False,
            )
        )
    if np.any(potential) and in_bias:
        offset = offset + potential / layer.timesteps
        losses.append(
            Loss(
                call.name,
                f"initial potential {potential.mean():.3g} of the threshold",
                "a T-th of it in the bias: same charge, later spikes",
                False,
            )
        )
    elif np.any(potential):
        losses.append(
            Loss(
                call.name,
                f"initial potential {potential.mean():.3g} of the threshold",
                "metadata 'initial_potential' of the node",
                True,
            )
        )
    node = nir.IF(
        r=np.ones(_order(np.ones(shape), flattened).shape, "float32"),
        v_threshold=_order(np.ones(shape), flattened).astype("float32"),
    )
    node.metadata = {"lag": layer.lag}
    if not in_bias:
        values = _order(potential, flattened).astype("float32")
        node.metadata["initial_potential"] = values
    return NeuronNode(
        node, _by_channel(1 / threshold), _by_channel(offset), tuple(losses)
    )


def _by_channel(values: np.ndarray) -> np.ndarray:
    rows = values.reshape(-1, values.shape[-1])
    if np.any(rows != rows[:1]):
        raise ValueError("its threshold or charge differs within a channel")
    return rows[0]


def _order(values: np.ndarray, flattened: tuple | None) -> np.ndarray:
    """Channels first, also where a feature map was flattened."""
    if values.ndim == 3:
        return np.transpose(values, (2, 0, 1))
    return values if flattened is None else values[flat_order(flattened)]


def _value(variable) -> np.ndarray:
    return keras.ops.convert_to_numpy(variable).astype("float64")
