"""Pass: max pooling by functions of `keras.ops` becomes a layer."""

import keras

from tfsnn.graph.rewrite import rewrite, unchanged
from tfsnn.graph.view import Call, Graph

_POOLS = {
    3: (keras.layers.MaxPooling1D, keras.layers.GlobalMaxPooling1D),
    4: (keras.layers.MaxPooling2D, keras.layers.GlobalMaxPooling2D),
    5: (keras.layers.MaxPooling3D, keras.layers.GlobalMaxPooling3D),
}


def operation_pools(graph: Graph) -> Graph:
    """Turns `keras.ops.max_pool`, and `max` over an image, into layers.

    Args:
        graph: Any graph; it is not changed.

    Returns:
        A graph with the same outputs; the same one if there is nothing to do.
    """
    if not any(map(_is_pool, graph)):
        return graph

    def visit(rewriter, call, args, kwargs):
        layer = _layer(call, rewriter)
        if layer is None:
            return unchanged(rewriter, call, args, kwargs)
        return rewriter.apply(layer, args[0] if args else kwargs["inputs"])

    return rewrite(graph, visit)


def _is_pool(call: Call) -> bool:
    if isinstance(call.operation, keras.Layer) or not call.input_tensors:
        return False
    return call.kind == "MaxPool" or is_spatial_maximum(call)


def _layer(call: Call, rewriter) -> keras.Layer | None:
    if not _is_pool(call):
        return None
    tensor = call.input_tensors[0]
    local, over_all = _POOLS[len(tensor.shape)]
    if call.kind == "MaxPool":
        operation = call.operation
        return local(
            pool_size=operation.pool_size,
            strides=operation.strides,
            padding=operation.padding,
            data_format=operation.data_format,
            dtype=tensor.dtype,
            name=rewriter.unused_name(f"{call.name}_layer"),
        )
    return over_all(
        data_format="channels_last",
        keepdims=call.operation.keepdims,
        dtype=tensor.dtype,
        name=rewriter.unused_name(f"{call.name}_layer"),
    )


def is_spatial_maximum(call: Call) -> bool:
    """Whether `max` runs over all axes between batch and channels."""
    operation, rank = call.operation, len(call.input_tensors[0].shape)
    if call.kind not in ("Max", "Amax") or rank not in _POOLS:
        return False
    axis = operation.axis
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    if None in axes or getattr(operation, "initial", None) is not None:
        return False
    return sorted(one % rank for one in axes) == list(range(1, rank - 1))
