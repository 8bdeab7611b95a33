"""Max pooling in a graph: where it chooses, and by what it can be replaced."""

import keras

from tfsnn.graph.passes.kernel_layers import acts_as
from tfsnn.graph.rewrite import rewrite, unchanged
from tfsnn.graph.view import Graph
from tfsnn.layers.max_pooling import MAX_POOLS

_AVERAGES = {
    keras.layers.MaxPooling1D: keras.layers.AveragePooling1D,
    keras.layers.MaxPooling2D: keras.layers.AveragePooling2D,
    keras.layers.MaxPooling3D: keras.layers.AveragePooling3D,
    keras.layers.GlobalMaxPooling1D: keras.layers.GlobalAveragePooling1D,
    keras.layers.GlobalMaxPooling2D: keras.layers.GlobalAveragePooling2D,
    keras.layers.GlobalMaxPooling3D: keras.layers.GlobalAveragePooling3D,
}


def is_max_pool(operation: keras.Operation) -> bool:
    """Whether an operation takes the largest of several values.

    A pool with windows of one value does not: it only leaves out values, as
    the shortcuts of pre-activation networks do.
    """
    if not acts_as(operation, *MAX_POOLS):
        return False
    return any(size > 1 for size in getattr(operation, "pool_size", (2,)))


def max_to_average(graph: Graph) -> Graph:
    """Turns max pooling into average pooling, which changes the outputs.

    Args:
        graph: Any graph; it is not changed.

    Returns:
        A graph with average pools of the same windows and names.

    References:
        Li et al., A Free Lunch From ANN, 2021, arXiv:2106.06984, section 4.4.
    """

    def visit(rewriter, call, args, kwargs):
        pool = call.operation
        if not is_max_pool(pool):
            return unchanged(rewriter, call, args, kwargs)
        average = average_of(pool, name=rewriter.name_of_use(pool))
        return rewriter.apply(average, *args, **kwargs)

    return rewrite(graph, visit)


def average_of(pool: keras.layers.Layer, **changes) -> keras.layers.Layer:
    """An average pool over the same windows.

    Args:
        pool: A max pool.
        **changes: Entries of its configuration that are to be others.

    Returns:
        A new layer.
    """
    kind = next(_AVERAGES[cls] for cls in _AVERAGES if acts_as(pool, cls))
    return kind.from_config({**pool.get_config(), **changes})
