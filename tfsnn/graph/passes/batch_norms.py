"""Batch normalisations in a graph: which can be folded, and what they do."""

import functools

import keras

from tfsnn.graph.passes.kernel_layers import Affine, acts_as
from tfsnn.graph.view import Call, Graph
from tfsnn.numerics import batch_norm_affine


def is_batch_norm(call: Call) -> bool:
    """Whether a call is an affine map by channel at inference.

    Called with `training=True`, a batch normalisation is not.
    """
    batch_norm = keras.layers.BatchNormalization
    return acts_as(call.operation, batch_norm) and not call.forces_training


def batch_norm_axis(call: Call) -> int:
    """The channel axis, counted from 0."""
    rank = len(call.output_tensors[0].shape)
    return call.operation.axis % rank


def following_batch_norms(graph: Graph, call: Call, axis: int) -> list[Call]:
    """Batch normalisations directly after a call, one behind the other.

    Args:
        graph: The graph.
        call: A call with one output.
        axis: Channel axis they must have, counted from 0.

    Returns:
        Their calls; each is the only use of the tensor before it.
    """
    chain = []
    while True:
        (tensor,) = call.output_tensors
        call = graph.only_consumer(tensor)
        if (
            call is None
            or not is_batch_norm(call)
            or batch_norm_axis(call) != axis
        ):
            return chain
        chain.append(call)


def combined_affine(chain: list[Call]) -> Affine:
    """What at least one batch normalisation, in order, does to a channel."""
    return functools.reduce(
        Affine.then, (_affine(call.operation) for call in chain)
    )


def _affine(layer):
    moving = layer.moving_mean, layer.moving_variance
    learned = layer.gamma, layer.beta
    gamma, beta, mean, variance = (
        None if value is None else keras.ops.convert_to_numpy(value)
        for value in (*learned, *moving)
    )
    return Affine(
        *batch_norm_affine(gamma, beta, mean, variance, layer.epsilon)
    )
