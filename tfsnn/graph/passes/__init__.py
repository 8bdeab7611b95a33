"""Graph passes: each returns a new graph with the same outputs."""

from tfsnn.graph.view import Graph

from .canonical_relu import canonical_relu
from .equalise import equalise
from .fold_batch_norm import fold_batch_norm
from .max_pools import max_to_average
from .operation_pools import operation_pools
from .pool_to_convolution import pool_to_convolution
from .remove_inactive import remove_inactive
from .scaled_addition import scaled_addition
from .slice_to_pool import slice_to_pool
from .split_activations import split_activations

__all__ = [
    "PASSES",
    "canonical_relu",
    "equalise",
    "fold_batch_norm",
    "max_to_average",
    "operation_pools",
    "pool_to_convolution",
    "prepare",
    "remove_inactive",
    "scaled_addition",
    "slice_to_pool",
    "split_activations",
]

PASSES = (
    remove_inactive,
    split_activations,
    canonical_relu,
    operation_pools,
    scaled_addition,
    fold_batch_norm,
)


def prepare(graph: Graph) -> Graph:
    """Applies `PASSES` in order: affine layers, and every ReLU by itself.

    Args:
        graph: What `trace` returns; it is not changed.

    Returns:
        A graph with the same outputs at inference.
    """
    for apply_pass in PASSES:
        graph = apply_pass(graph)
    return graph
