"""Pass: one form of ReLU, one layer for each use."""

import keras

from tfsnn.graph.passes.relu_forms import relu_arguments_of_call
from tfsnn.graph.rewrite import rewrite, unchanged
from tfsnn.graph.view import Graph, symbolic_tensors


def canonical_relu(graph: Graph) -> Graph:
    """Turns every ReLU into a `keras.layers.ReLU` of its own.

    Layers `Activation` of a ReLU, functions of `keras.ops` and
    `keras.activations`, and layers used at several places: each position will
    need its own neuron. Slope, threshold and maximum are kept.

    Args:
        graph: Any graph; it is not changed.

    Returns:
        A graph with the same outputs at inference.
    """

    def visit(rewriter, call, args, kwargs):
        arguments = relu_arguments_of_call(call)
        if arguments is None:
            return unchanged(rewriter, call, args, kwargs)
        (tensor,) = symbolic_tensors((args, kwargs))
        layer = keras.layers.ReLU(
            **arguments,
            name=rewriter.name_of_use(call.operation),
            dtype=getattr(call.operation, "dtype_policy", tensor.dtype),
        )
        return rewriter.apply(layer, tensor)

    return rewrite(graph, visit)
