"""Pass: the ranges of channels evened out between layers."""

import dataclasses

import keras
import numpy as np

from tfsnn.graph.passes.kernel_layers import (
    acts_as,
    channel_axis,
    kernel_layouts,
)
from tfsnn.graph.passes.relu_forms import relu_arguments
from tfsnn.graph.rewrite import rewrite, unchanged
from tfsnn.graph.view import Call, Graph
from tfsnn.numerics import KernelLayout, equalisation_scale

# What they make of scaled channels is scaled likewise.
_BY_CHANNEL = (
    keras.layers.AveragePooling1D,
    keras.layers.AveragePooling2D,
    keras.layers.AveragePooling3D,
    keras.layers.Cropping1D,
    keras.layers.Cropping2D,
    keras.layers.Cropping3D,
    keras.layers.GlobalAveragePooling1D,
    keras.layers.GlobalAveragePooling2D,
    keras.layers.GlobalAveragePooling3D,
    keras.layers.UpSampling1D,
    keras.layers.UpSampling2D,
    keras.layers.UpSampling3D,
    keras.layers.ZeroPadding1D,
    keras.layers.ZeroPadding2D,
    keras.layers.ZeroPadding3D,
)
MAX_SWEEPS = 100
EVEN = 1e-9
LIMIT = 100.0


def equalise(graph: Graph) -> Graph:
    """Evens out the weights that make a channel and those that read it.

    For a kernel layer, its ReLU and the only reader of that, a kernel layer,
    also behind pooling or padding: with a scale s > 0 for each channel,

        W1 <- W1 / s,   b1 <- b1 / s,   W2 <- W2 * s

    leave the outputs as they are, as relu(x / s) * s = relu(x). Scales are
    chosen so that the largest weights on both sides are equal; along a chain
    that is repeated until nothing changes. A channel is scaled by at most 100
    or 1/100.

    Nothing is done where the ReLU has several readers (a junction), where it
    clips (ReLU6 does not commute with a scale), where a layer is used twice,
    and where channels are not the last axis.

    It evens out activations that share a threshold. One threshold a channel
    follows any scale by itself: the spikes are then the same.

    Args:
        graph: A graph after `prepare`; it is not changed.

    Returns:
        A graph with the same outputs at inference, up to rounding.

    References:
        Nagel et al., Data-free quantization through weight equalization and
        bias correction, ICCV 2019, arXiv:1906.04721, section 4.1.
    """
    weights = _equalised(_links(graph))

    def visit(rewriter, call, args, kwargs):
        if id(call.operation) not in weights:
            return unchanged(rewriter, call, args, kwargs)
        values = weights[id(call.operation)]
        copy = rewriter.copy(call.operation, weights=values)
        return rewriter.apply(copy, *args, **kwargs)

    return rewrite(graph, visit)


@dataclasses.dataclass(frozen=True, eq=False)
class _Link:
    """A layer that makes channels, and the one that alone reads them."""

    producer: keras.Layer
    consumer: keras.Layer


def _links(graph: Graph) -> list[_Link]:
    found = []
    for call in graph:
        if not _is_plain_relu(call):
            continue
        producer = graph.producer(call.input_tensors[0])
        consumer = _reader(graph, call)
        if (
            consumer is not None
            and _has_kernel(graph, producer)
            and producer.operation.activation is keras.activations.linear
            and graph.only_consumer(producer.output_tensors[0]) is call
        ):
            found.append(_Link(producer.operation, consumer.operation))
    return found


def _is_plain_relu(call: Call) -> bool:
    arguments = relu_arguments(call.operation)
    return (
        arguments is not None
        and arguments.get("max_value") is None
        and not arguments.get("negative_slope")
        and not arguments.get("threshold")
    )


def _reader(graph: Graph, call: Call) -> Call | None:
    """The kernel layer that alone reads what a call makes."""
    while True:
        call = graph.only_consumer(call.output_tensors[0])
        if call is None or _has_kernel(graph, call):
            return call
        last = getattr(call.operation, "data_format", None) != "channels_first"
        if not (acts_as(call.operation, *_BY_CHANNEL) and last):
            return None


def _has_kernel(graph: Graph, call: Call | None) -> bool:
    if call is None or not kernel_layouts(call.operation):
        return False
    rank = len(call.output_tensors[0].shape)
    last = channel_axis(call.operation, rank) == rank - 1
    return last and graph.num_calls(call.operation) == 1


def _equalised(links: list[_Link]) -> dict[int, list[np.ndarray]]:
    """New weights of all layers in links, by the id of the layer."""
    layers = {
        id(layer): layer
        for link in links
        for layer in (link.producer, link.consumer)
    }
    weights = {
        key: [np.asarray(value, np.float64) for value in layer.get_weights()]
        for key, layer in layers.items()
    }
    totals = [1.0 for _ in links]
    for _ in range(MAX_SWEEPS):
        moved = 0.0
        for number, link in enumerate(links):
            scale, totals[number] = _scale(link, weights, totals[number])
            _apply(link, weights, scale)
            moved = max(moved, np.abs(np.log(scale)).max())
        if moved < EVEN:
            break
    return {
        key: [
            value.astype(old.dtype)
            for value, old in zip(
                weights[key], layer.get_weights(), strict=True
            )
        ]
        for key, layer in layers.items()
    }


def _scale(link, weights, total):
    """What to divide by now, and by how much that is in all."""
    first, last = _outer_layouts(link)
    makes = weights[id(link.producer)][first.index]
    reads = weights[id(link.consumer)][last.index]
    wanted = equalisation_scale(
        first.layout.largest_by_output(makes),
        last.layout.largest_by_input(reads),
        limit=LIMIT,
    )
    allowed = np.clip(total * wanted, 1 / LIMIT, LIMIT)
    return allowed / total, allowed


def _apply(link, weights, scale):
    first, last = _outer_layouts(link)
    makes, reads = weights[id(link.producer)], weights[id(link.consumer)]
    makes[first.index] = first.layout.scale_outputs(
        makes[first.index], 1 / scale
    )
    if link.producer.use_bias:
        makes[-1] = makes[-1] / scale
    reads[last.index] = last.layout.scale_inputs(reads[last.index], scale)


@dataclasses.dataclass(frozen=True)
class _Kernel:
    """Which weight of a layer it is, and how it is laid out."""

    index: int
    layout: KernelLayout


def _outer_layouts(link):
    """The last kernel of the producer, the first one of the consumer."""
    made = kernel_layouts(link.producer)
    return (
        _Kernel(len(made) - 1, made[-1]),
        _Kernel(0, kernel_layouts(link.consumer)[0]),
    )
