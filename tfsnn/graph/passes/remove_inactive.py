"""Pass: layers that do nothing at inference disappear."""

import keras

from tfsnn.graph.passes.kernel_layers import acts_as
from tfsnn.graph.rewrite import rewrite, unchanged
from tfsnn.graph.view import Call, Graph, symbolic_tensors

_INACTIVE = (
    keras.layers.ActivityRegularization,
    keras.layers.AlphaDropout,
    keras.layers.Dropout,
    keras.layers.GaussianDropout,
    keras.layers.GaussianNoise,
    keras.layers.Identity,
    keras.layers.SpatialDropout1D,
    keras.layers.SpatialDropout2D,
    keras.layers.SpatialDropout3D,
)


def remove_inactive(graph: Graph) -> Graph:
    """Drops dropout, noise, activity regularisation and identities.

    Such a layer stays if it was called with `training=True`, which keeps it
    active at inference, or if it changes the dtype.

    Args:
        graph: Any graph; it is not changed.

    Returns:
        A graph with the same outputs at inference.
    """

    def visit(rewriter, call, args, kwargs):
        if not _is_inactive(call):
            return unchanged(rewriter, call, args, kwargs)
        (tensor,) = symbolic_tensors((args, kwargs))
        return tensor

    return rewrite(graph, visit)


def _is_inactive(call: Call) -> bool:
    tensors = [*call.input_tensors, *call.output_tensors]
    if call.forces_training or len({tensor.dtype for tensor in tensors}) > 1:
        return False
    layer = call.operation
    if acts_as(layer, keras.layers.Activation):
        return layer.activation is keras.activations.linear
    return acts_as(layer, *_INACTIVE)
