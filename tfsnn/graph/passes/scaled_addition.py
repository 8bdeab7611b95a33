"""Pass: the scaled shortcut of Keras's InceptionResNetV2, in plain layers."""

import keras
import numpy as np

from tfsnn.graph.rewrite import rewrite, unchanged
from tfsnn.graph.view import Call, Graph
from tfsnn.layers import ChannelAffine


def scaled_addition(graph: Graph) -> Graph:
    """Turns `CustomScaleLayer`, x + scale * y, into a factor and `Add`.

    Keras does not export that layer, so it is known by its name and package.
    The factor is a `ChannelAffine`: Keras's `Rescaling` rounds its own to
    float32, also where the network computes in float64.

    Args:
        graph: Any graph; it is not changed.

    Returns:
        A graph with the same outputs; the same one if there is nothing to do.
    """
    if not any(map(is_scaled_addition, graph)):
        return graph

    def visit(rewriter, call, args, kwargs):
        if not is_scaled_addition(call):
            return unchanged(rewriter, call, args, kwargs)
        layer = call.operation
        first, second = keras.tree.flatten((args, kwargs))[:2]
        factor = ChannelAffine(
            use_offset=False,
            name=rewriter.unused_name(f"{call.name}_scale"),
            dtype=layer.dtype_policy,
        )
        scaled = rewriter.apply(factor, second)
        factor.set_weights([np.full(factor.scale.shape, layer.scale)])
        add = keras.layers.Add(
            name=rewriter.name_of_use(layer), dtype=layer.dtype_policy
        )
        return rewriter.apply(add, [first, scaled])

    return rewrite(graph, visit)


def is_scaled_addition(call: Call) -> bool:
    """Whether a call is of that layer."""
    cls = type(call.operation)
    return (
        cls.__name__ == "CustomScaleLayer"
        and cls.__module__.startswith("keras.")
        and len(call.input_tensors) == 2
    )
