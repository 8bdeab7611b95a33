"""Pass: no activation hidden in another layer."""

import keras

from tfsnn.graph.passes.kernel_layers import KERNEL_CLASSES, acts_as
from tfsnn.graph.passes.relu_forms import relu_arguments
from tfsnn.graph.rewrite import rewrite, unchanged
from tfsnn.graph.view import Graph


def split_activations(graph: Graph) -> Graph:
    """Moves the activation of an affine layer into a layer behind it.

    `Dense(activation="relu")` becomes `Dense` and `ReLU`; any other activation
    becomes an `Activation`, or the layer it already is. An activation with
    weights of its own stays where it is.

    Args:
        graph: Any graph; it is not changed.

    Returns:
        A graph with the same outputs at inference; the same one if there is
        nothing to do.
    """
    if not any(_has_activation(call.operation) for call in graph):
        return graph

    def visit(rewriter, call, args, kwargs):
        layer = call.operation
        if not _has_activation(layer):
            return unchanged(rewriter, call, args, kwargs)
        linear = rewriter.copy(layer, activation="linear")
        outputs = rewriter.apply(linear, *args, **kwargs)
        base = f"{call.name}_{_activation_name(layer.activation)}"
        activation = _activation_layer(layer, rewriter.unused_name(base))
        return rewriter.apply(activation, outputs)

    return rewrite(graph, visit)


def _has_activation(layer):
    if not acts_as(layer, *KERNEL_CLASSES, keras.layers.EinsumDense):
        return False
    activation = layer.activation
    return activation is not keras.activations.linear and not (
        isinstance(activation, keras.Layer) and activation.weights
    )


def _activation_name(activation):
    if relu_arguments(activation) is not None:
        return "relu"
    name = getattr(activation, "__name__", type(activation).__name__).lower()
    return name if name.isidentifier() else "activation"


def _activation_layer(layer, name):
    activation, dtype = layer.activation, layer.dtype_policy
    arguments = relu_arguments(activation)
    if arguments is not None:
        return keras.layers.ReLU(**arguments, name=name, dtype=dtype)
    if isinstance(activation, keras.Layer):
        config = {**activation.get_config(), "name": name}
        return type(activation).from_config(config)
    return keras.layers.Activation(activation, name=name, dtype=dtype)
