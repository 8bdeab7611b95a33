"""Runs a network without time: the reference, or a network as it is."""

import keras
import numpy as np

from tfsnn.conversion.rules import activation_name
from tfsnn.errors import ConversionError
from tfsnn.graph.arguments import arguments
from tfsnn.graph.rewrite import rewrite, unchanged
from tfsnn.graph.trace import trace
from tfsnn.graph.view import Graph
from tfsnn.inputs import Images

from .runners import BatchCounts, compiled, images_spec

MONOTONE = ("log_softmax", "sigmoid", "softmax")


class PlainRunner:
    """One forward pass; see `Runner`."""

    execution = "plain"
    has_prefixes = False
    neuron_names = ()

    def __init__(self, model: keras.Model):
        """Makes the graph.

        Args:
            model: A network with one output `[B, K]`.
        """
        self._network = network = without_head(model)
        self._logits = compiled(
            lambda images: network(arguments(network, images), training=False),
            [images_spec(model.inputs)],
        )

    def predict(self, images: Images) -> np.ndarray:
        """The class with the largest logit, int64 `[B]`."""
        return np.argmax(self._logits(images).numpy(), axis=-1)

    def __call__(self, images: Images, targets: np.ndarray) -> BatchCounts:
        """Counts hits, see `Runner`."""
        hits = np.sum(self.predict(images) == targets, axis=-1)
        return BatchCounts(hits[None], (), (), np.zeros(0))


def without_head(model: keras.Model) -> keras.Model:
    """The network up to its logits, before a last softmax or sigmoid.

    Saturated probabilities tie where logits do not.

    Args:
        model: Any network.

    Returns:
        A copy without its last activation; the network itself where its graph
        is not known or it has none.
    """
    try:
        graph = trace(model)
    except ConversionError:
        return model
    headless = graph_without_head(graph)
    return model if headless is graph else headless.model


def graph_without_head(graph: Graph) -> Graph:
    """The same for a graph that is known, see `without_head`.

    Args:
        graph: Of a network with one output; it may be a spiking one.

    Returns:
        A new graph; the same one where there is nothing to leave out.
    """
    (output,) = graph.model.outputs
    last = graph.producer(output)
    if last is None or not _is_monotone(last.operation):
        return graph

    def visit(rewriter, call, args, kwargs):
        if call is not last:
            return unchanged(rewriter, call, args, kwargs)
        if getattr(call.operation, "weights", None):
            layer = rewriter.copy(call.operation, activation="linear")
            return rewriter.apply(layer, *args, **kwargs)
        return args[0]

    return rewrite(graph, visit)


def _is_monotone(operation):
    if isinstance(operation, keras.layers.Softmax):
        return True
    return activation_name(getattr(operation, "activation", None)) in MONOTONE
