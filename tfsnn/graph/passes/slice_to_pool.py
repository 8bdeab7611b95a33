"""Pass: every n-th row and column by pooling, which is faster to compute."""

import keras

from tfsnn.graph.rewrite import rewrite, unchanged
from tfsnn.graph.view import Call, Graph

_POOLS = {3: keras.layers.MaxPooling1D, 4: keras.layers.MaxPooling2D}


def slice_to_pool(graph: Graph) -> Graph:
    """Turns `x[:, ::2, ::2]` into a pool with windows of one value.

    That is what a shortcut without weights does where the feature map shrinks.
    TensorFlow slices in steps with one thread and value by value. A slice
    stays as it is where it starts later, ends earlier, goes backwards, leaves
    out channels, or where the feature map is neither a line nor an image.

    Args:
        graph: A graph with the channels last; it is not changed.

    Returns:
        A graph with the same outputs, bit for bit.
    """

    def visit(rewriter, call, args, kwargs):
        steps = _steps(call)
        if steps is None:
            return unchanged(rewriter, call, args, kwargs)
        pool = _POOLS[len(steps) + 2](
            pool_size=1,
            strides=steps,
            data_format="channels_last",
            dtype=call.outputs.dtype,
            name=rewriter.unused_name(f"{call.name}_pool"),
        )
        return rewriter.apply(pool, args[0])

    return rewrite(graph, visit)


def _steps(call: Call) -> tuple[int, ...] | None:
    """Steps along the axes between batch and channels; None: leave it."""
    if call.kind != "GetItem" or len(call.args) != 2:
        return None
    tensor, key = call.args
    # A model reloaded from a file has a list here.
    key = tuple(key) if isinstance(key, (tuple, list)) else (key,)
    rank = len(tensor.shape)
    if rank not in _POOLS or not all(isinstance(x, slice) for x in key):
        return None
    if any(x.start not in (None, 0) or x.stop is not None for x in key):
        return None
    batch, *steps = [1 if x.step is None else x.step for x in key]
    steps += [1] * (rank - 1 - len(steps))
    *steps, channels = steps
    only_between = batch == channels == 1
    if not only_between or min(steps) < 1 or max(steps) == 1:
        return None
    return tuple(steps)
