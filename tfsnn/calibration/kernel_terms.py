"""The kernels that a segment's current depends on one to one."""

from __future__ import annotations

import dataclasses

import keras
import numpy as np
import tensorflow as tf

from tfsnn.graph.segments import Segment
from tfsnn.graph.trace import trace
from tfsnn.graph.view import Call, Graph

PADDINGS = ("same", "valid")


@dataclasses.dataclass(frozen=True, eq=False)
class KernelTerm:
    """A layer whose output is a summand of the current, value for value.

    At every position its output is `rows @ W`, with W its kernel, for each
    group of channels.

    Attributes:
        layer: Name of the layer.
        groups: G; of a depthwise convolution its input channels.
    """

    layer: str
    groups: int
    _operation: keras.Layer
    _read: keras.Model

    def rows(self, sources: list[np.ndarray]) -> np.ndarray:
        """What its kernel multiplies.

        Args:
            sources: What the segment reads, `[B, ...]` each.

        Returns:
            `[B, P, G, D]`: at each of P positions, for each group, the D
            values.
        """
        tensors = [tf.convert_to_tensor(source) for source in sources]
        values = self._read(tensors[0] if len(tensors) == 1 else tensors)
        layer = self._operation
        if isinstance(layer, keras.layers.Dense):
            values = tf.reshape(values, [len(values), -1, 1, values.shape[-1]])
            return values.numpy()
        patches = tf.image.extract_patches(
            values,
            sizes=[1, *layer.kernel_size, 1],
            strides=[1, *layer.strides, 1],
            rates=[1, *layer.dilation_rate, 1],
            padding=layer.padding.upper(),
        )
        taps = int(np.prod(layer.kernel_size))
        width = values.shape[-1] // self.groups
        shape = [len(values), -1, taps, self.groups, width]
        by_group = np.swapaxes(patches.numpy().reshape(shape), 2, 3)
        return by_group.reshape(*by_group.shape[:3], -1)

    def changed(
        self, weights: tuple[np.ndarray, ...], change: np.ndarray
    ) -> tuple[np.ndarray, ...]:
        """The layer's weights with a change of its kernel.

        Weights that are 0, as of pruned networks, stay 0.

        Args:
            weights: As its `get_weights` returns them, kernel first.
            change: `[G, D, C]`, C output channels a group.

        Returns:
            The new weights.
        """
        kernel = weights[0]
        # Output channels lie group by group, also the depthwise ones.
        change = np.moveaxis(change, 0, 1).reshape(kernel.shape)
        change = np.where(kernel == 0, 0.0, change)
        return ((kernel + change).astype(kernel.dtype), *weights[1:])


def kernel_terms(
    segment: Segment, fixed: frozenset[str] = frozenset()
) -> list[KernelTerm]:
    """Finds the terms of a segment that least squares can change.

    Args:
        segment: The segment.
        fixed: Names of layers that must not change.

    Returns:
        Dense and 2-D convolution layers, of channels last, between which and
        the current there are only additions of equal shapes; one with groups
        only if it is alone.
    """
    graph = trace(segment.model)
    pending = list(graph.model.outputs)
    terms = []
    while pending:
        call = graph.producer(pending.pop())
        if call is None:
            continue
        if _is_sum(call):
            shape = call.output_tensors[0].shape
            pending += [t for t in call.input_tensors if t.shape == shape]
        elif _is_supported(call) and call.name not in fixed:
            terms.append(_term(graph, call))
    if len(terms) > 1 and any(term.groups > 1 for term in terms):
        return []
    return terms


def _is_sum(call: Call) -> bool:
    if isinstance(call.operation, keras.Layer):
        return isinstance(call.operation, keras.layers.Add)
    return type(call.operation).__name__ == "Add"  # x + y


def _is_supported(call: Call) -> bool:
    layer = call.operation
    if type(layer) is keras.layers.Dense:
        return True
    return (
        type(layer) in (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)
        and layer.data_format == "channels_last"
        and layer.padding in PADDINGS
    )


def _term(graph: Graph, call: Call) -> KernelTerm:
    (source,) = call.input_tensors
    groups = getattr(call.operation, "groups", 1)
    if isinstance(call.operation, keras.layers.DepthwiseConv2D):
        groups = source.shape[-1]
    read = keras.Model(graph.model.inputs, source)
    return KernelTerm(call.name, groups, call.operation, read)
