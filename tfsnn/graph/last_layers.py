"""The layers that make a model's output, and their weights times a factor."""

from collections.abc import Sequence

import keras
import numpy as np

from tfsnn.graph.passes.kernel_layers import (
    acts_as,
    channel_axis,
    kernel_layouts,
)
from tfsnn.graph.trace import trace
from tfsnn.graph.view import Call, Graph, symbolic_tensors
from tfsnn.layers import ChannelAffine

_SUMS = (keras.layers.Add, keras.layers.Average, keras.layers.Subtract)
_OPERATION_SUMS = ("Add", "Subtract")


def last_layers(model: keras.Model) -> tuple[str, ...]:
    """Names of the layers whose outputs are added up to a model's output.

    Where each of their output channels is scaled by a factor, so is what they
    add to that channel of the output. They are kernel layers and
    `ChannelAffine`, reached from the output through sums alone and read by
    nothing else; what else is added, as a shortcut, is not among them.

    Args:
        model: An affine model with one output, as that of a segment; it is
            not changed.

    Returns:
        Names, none if there are no such layers.
    """
    graph = trace(model)
    pending = symbolic_tensors(graph.model.outputs)
    if any(graph.consumers(tensor) for tensor in pending):
        return ()
    found = []
    while pending:
        call = graph.producer(pending.pop())
        if call is None:
            continue
        if _is_sum(call.operation):
            pending += _read_by_one(graph, call)
        elif _has_channels(graph, call):
            found.append(call.name)
    return tuple(reversed(found))


def scaled_weights(
    layer: keras.Layer, weights: Sequence[np.ndarray], factor: np.ndarray
) -> tuple[np.ndarray, ...]:
    """Weights with which a layer answers with a multiple of its output.

    Args:
        layer: One of `last_layers`.
        weights: What its `get_weights` would return.
        factor: One an output channel, `[C]`.

    Returns:
        As `weights`, in their dtypes, computed in float64.
    """
    layouts = kernel_layouts(layer)
    scaled = list(weights)
    if layouts:
        last = len(layouts) - 1
        scaled[last] = layouts[last].scale_outputs(weights[last], factor)
    for index in range(len(layouts), len(scaled)):  # Vectors, one a channel.
        vector = np.asarray(weights[index])
        scaled[index] = (vector * np.float64(factor)).astype(vector.dtype)
    return tuple(scaled)


def _is_sum(operation: keras.Operation) -> bool:
    if isinstance(operation, keras.Layer):
        return acts_as(operation, *_SUMS)
    return type(operation).__name__ in _OPERATION_SUMS


def _read_by_one(graph: Graph, call: Call) -> list[keras.KerasTensor]:
    return [
        tensor
        for tensor in call.input_tensors
        if graph.only_consumer(tensor) is call
        and tensor.shape == call.output_tensors[0].shape
    ]


def _has_channels(graph: Graph, call: Call) -> bool:
    layer = call.operation
    if graph.num_calls(layer) > 1:
        return False
    if acts_as(layer, ChannelAffine):
        return True
    rank = len(call.output_tensors[0].shape)
    return bool(
        kernel_layouts(layer)
        and layer.activation is keras.activations.linear
        and channel_axis(layer, rank) == rank - 1
    )
