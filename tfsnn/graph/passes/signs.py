"""Which tensors of a graph cannot be negative."""

import keras

from tfsnn.graph.passes.kernel_layers import acts_as
from tfsnn.graph.view import Graph

# Of inputs that are not negative, these make outputs that are not.
_KEEP_SIGN = (
    keras.layers.Add,
    keras.layers.Average,
    keras.layers.AveragePooling1D,
    keras.layers.AveragePooling2D,
    keras.layers.AveragePooling3D,
    keras.layers.Concatenate,
    keras.layers.Cropping1D,
    keras.layers.Cropping2D,
    keras.layers.Cropping3D,
    keras.layers.Flatten,
    keras.layers.GlobalAveragePooling1D,
    keras.layers.GlobalAveragePooling2D,
    keras.layers.GlobalAveragePooling3D,
    keras.layers.GlobalMaxPooling1D,
    keras.layers.GlobalMaxPooling2D,
    keras.layers.GlobalMaxPooling3D,
    keras.layers.MaxPooling1D,
    keras.layers.MaxPooling2D,
    keras.layers.MaxPooling3D,
    keras.layers.Permute,
    keras.layers.Reshape,
    keras.layers.ZeroPadding1D,
    keras.layers.ZeroPadding2D,
    keras.layers.ZeroPadding3D,
)


def never_negative(graph: Graph, tensor: keras.KerasTensor) -> bool:
    """Whether a tensor comes from ReLUs alone, by layers that keep the sign.

    Args:
        graph: The graph the tensor is in.
        tensor: One of its tensors.

    Returns:
        True if it cannot be negative; False if it may be, or is not known.
    """
    waiting = [tensor]
    seen = set()
    while waiting:
        tensor = waiting.pop()
        call = graph.producer(tensor)
        if call is None:
            return False
        if id(call) in seen or _is_relu(call.operation):
            continue
        if not acts_as(call.operation, *_KEEP_SIGN):
            return False
        seen.add(id(call))
        waiting.extend(call.input_tensors)
    return True


def _is_relu(operation):
    return (
        acts_as(operation, keras.layers.ReLU) and not operation.negative_slope
    )
