"""Pass: batch normalisation becomes part of the layer beside it."""

import dataclasses

import keras

from tfsnn.graph.passes.batch_norms import (
    batch_norm_axis,
    combined_affine,
    following_batch_norms,
    is_batch_norm,
)
from tfsnn.graph.passes.kernel_layers import (
    Affine,
    channel_axis,
    folded_weights,
    kernel_layouts,
    sees_all_taps,
)
from tfsnn.graph.rewrite import rewrite, unchanged
from tfsnn.graph.view import Call, Graph, symbolic_tensors
from tfsnn.layers import ChannelAffine


def fold_batch_norm(graph: Graph) -> Graph:
    """Folds batch normalisations, where that is exact.

    In this order: into the kernel layer that makes the input; into the kernel
    layer that alone reads the output, if that layer sees all taps of its
    kernel everywhere; else a `ChannelAffine` takes the place. A batch
    normalisation of an axis other than the channels stays, and so does one
    called with `training=True`.

    Args:
        graph: Any graph; it is not changed.

    Returns:
        A graph with the same outputs at inference.

    References:
        Li et al., A Free Lunch From ANN, 2021, arXiv:2106.06984, Eq. 19.
    """
    plan = _plan(graph)

    def visit(rewriter, call, args, kwargs):
        if id(call) in plan.affine:
            affine = plan.affine[id(call)]
            name = rewriter.unused_name(f"{call.name}_affine")
            layer = ChannelAffine(name=name, dtype=call.operation.dtype_policy)
            outputs = rewriter.apply(layer, *symbolic_tensors((args, kwargs)))
            layer.set_weights(list(affine))
            return outputs
        if id(call) in plan.absorbed:
            (tensor,) = symbolic_tensors((args, kwargs))
            return tensor
        layer = call.operation
        before = plan.before.get(id(layer))
        after = plan.after.get(id(layer))
        if before is None and after is None:
            return unchanged(rewriter, call, args, kwargs)
        weights = folded_weights(layer, before=before, after=after)
        copy = rewriter.copy(layer, weights=weights, use_bias=True)
        return rewriter.apply(copy, *args, **kwargs)

    return rewrite(graph, visit)


def fold_targets(graph: Graph) -> dict[str, str]:
    """Where each batch normalisation goes.

    Args:
        graph: What `fold_batch_norm` is to get.

    Returns:
        Name of a batch normalisation to that of the layer it becomes part of,
        or of the `ChannelAffine` in its place; those that stay are left out.
    """
    return _plan(graph).into


@dataclasses.dataclass
class _Plan:
    """What to do, by the id of a kernel layer or of a call.

    Attributes:
        before: Kernel layer to the map of its input.
        after: Kernel layer to the map of its output.
        affine: First call of a chain to the map that takes its place.
        absorbed: Calls that disappear.
        into: Name of a batch normalisation to that of the layer it goes into.
    """

    before: dict[int, Affine] = dataclasses.field(default_factory=dict)
    after: dict[int, Affine] = dataclasses.field(default_factory=dict)
    affine: dict[int, Affine] = dataclasses.field(default_factory=dict)
    absorbed: set[int] = dataclasses.field(default_factory=set)
    into: dict[str, str] = dataclasses.field(default_factory=dict)

    def absorb(self, chain: list[Call], name: str) -> None:
        """Notes that calls become part of a layer."""
        self.absorbed.update(id(call) for call in chain)
        self.into.update((call.name, name) for call in chain)


def _plan(graph):
    plan = _Plan()
    for call in graph:
        if id(call) in plan.absorbed:
            continue
        if is_batch_norm(call):
            _plan_alone(graph, call, plan)
        elif kernel_layouts(call.operation):
            _plan_producer(graph, call.operation, plan)
    return plan


def _plan_producer(graph, layer, plan):
    """Folds what follows the layer; at all its calls the same, or nothing."""
    if layer.activation is not keras.activations.linear:
        return
    chains = []
    for call in graph.calls_of(layer):
        axis = channel_axis(layer, len(call.output_tensors[0].shape))
        chains.append(following_batch_norms(graph, call, axis))
    kinds = {tuple(id(call.operation) for call in chain) for chain in chains}
    if len(kinds) == 1 and chains[0]:
        plan.after[id(layer)] = combined_affine(chains[0])
        plan.absorb([c for chain in chains for c in chain], layer.name)


def _plan_alone(graph, call, plan):
    """Folds into the consumer, or puts an affine layer in place."""
    axis = batch_norm_axis(call)
    chain = [call, *following_batch_norms(graph, call, axis)]
    affine = combined_affine(chain)
    (tensor,) = chain[-1].output_tensors
    consumer = graph.only_consumer(tensor)
    if _takes(graph, consumer, axis, affine):
        plan.before[id(consumer.operation)] = affine
        plan.absorb(chain, consumer.name)
    elif axis == len(tensor.shape) - 1:
        plan.affine[id(call)] = affine
        plan.absorb(chain, f"{call.name}_affine")


def _takes(
    graph: Graph, consumer: Call | None, axis: int, affine: Affine
) -> bool:
    if consumer is None or not kernel_layouts(consumer.operation):
        return False
    layer = consumer.operation
    rank = len(consumer.input_tensors[0].shape)
    return (
        graph.num_calls(layer) == 1
        and channel_axis(layer, rank) == axis
        and (sees_all_taps(layer) or not affine.shift.any())
    )
