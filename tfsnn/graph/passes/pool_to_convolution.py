"""Pass: average pooling as a convolution with a neuron of its own."""

import math

import keras
import numpy as np

from tfsnn.graph.passes.kernel_layers import acts_as
from tfsnn.graph.passes.signs import never_negative
from tfsnn.graph.rewrite import rewrite, unchanged
from tfsnn.graph.view import Graph, symbolic_tensors

_POOLS = {
    keras.layers.AveragePooling1D: keras.layers.DepthwiseConv1D,
    keras.layers.AveragePooling2D: keras.layers.DepthwiseConv2D,
}
_GLOBAL_POOLS = {
    keras.layers.GlobalAveragePooling1D: keras.layers.DepthwiseConv1D,
    keras.layers.GlobalAveragePooling2D: keras.layers.DepthwiseConv2D,
}


POOL_NEURON = "_neuron"
"""What the name of a pool's neuron ends with."""


def pool_to_convolution(graph: Graph) -> Graph:
    """Turns average pooling into a depthwise convolution and a ReLU.

    The mean of spikes of {0, 1} is none; behind a neuron of its own it is. The
    ReLU changes nothing where no input is negative. So a pool stays as it is
    where that is not certain, and with `padding="same"` (which leaves the
    padding out of the mean), strides that differ, an unknown image size, or
    three dimensions.

    Args:
        graph: A graph after `canonical_relu`; it is not changed.

    Returns:
        A graph with the same outputs at inference.

    References:
        Li et al., A Free Lunch From ANN, 2021, arXiv:2106.06984, section 4.4.
    """

    def visit(rewriter, call, args, kwargs):
        size = _window(graph, call)
        if size is None:
            return unchanged(rewriter, call, args, kwargs)
        (tensor,) = symbolic_tensors((args, kwargs))
        convolution, *others = _replacement(rewriter, call.operation, size)
        tensor = rewriter.apply(convolution, tensor)
        # Not by an initializer: those compute in float32.
        kernel = np.full(convolution.kernel.shape, 1 / math.prod(size))
        convolution.set_weights([kernel])
        for layer in others:
            tensor = rewriter.apply(layer, tensor)
        return tensor

    return rewrite(graph, visit)


def pools_with_neurons(graph: Graph) -> dict[str, str]:
    """Which pools got a neuron.

    Args:
        graph: What `pool_to_convolution` returned.

    Returns:
        Name of a pool to that of its neuron.
    """
    names = {call.name for call in graph}
    made = "_convolution"
    pools = [name.removesuffix(made) for name in names if name.endswith(made)]
    return {
        pool: pool + POOL_NEURON
        for pool in pools
        if pool + POOL_NEURON in names
    }


def _window(graph, call):
    """Shape of the pool's window; None if the pool has to stay."""
    pool = call.operation
    if not acts_as(pool, *_POOLS, *_GLOBAL_POOLS):
        return None
    (tensor,) = call.input_tensors
    if acts_as(pool, *_POOLS):
        exact = pool.padding == "valid" and len(set(pool.strides)) == 1
        size = pool.pool_size if exact else None
    else:
        first = pool.data_format == "channels_first"
        shape = tensor.shape[2:] if first else tensor.shape[1:-1]
        size = None if None in shape else shape
    return size if never_negative(graph, tensor) else None


def _replacement(rewriter, pool, size):
    """Layers that do what the pool does, in order."""
    kinds = _POOLS | _GLOBAL_POOLS
    kind = next(kinds[cls] for cls in kinds if isinstance(pool, cls))
    is_global = acts_as(pool, *_GLOBAL_POOLS)
    shared = {"dtype": pool.dtype_policy}
    yield kind(
        size,
        strides=1 if is_global else pool.strides[0],
        data_format=pool.data_format,
        use_bias=False,
        name=rewriter.unused_name(f"{pool.name}_convolution"),
        **shared,
    )
    if is_global and not pool.keepdims:
        yield keras.layers.Flatten(
            data_format=pool.data_format,
            name=rewriter.unused_name(f"{pool.name}_flatten"),
            **shared,
        )
    name = rewriter.unused_name(f"{pool.name}{POOL_NEURON}")
    yield keras.layers.ReLU(name=name, **shared)
