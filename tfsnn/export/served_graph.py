"""A spiking model with the outputs that a server gives, by name."""

import dataclasses

import keras

from tfsnn.conversion.check import is_head
from tfsnn.conversion.rules import KERNEL_LAYERS, activation_name
from tfsnn.conversion.timetable import Timetable, timetable
from tfsnn.graph.trace import trace
from tfsnn.graph.view import Call, Graph
from tfsnn.layers import TimeAverage

LOGITS, PROBABILITIES, CLASSES = "logits", "probabilities", "classes"
_PROBABILITIES = {"softmax", "sigmoid"}


@dataclasses.dataclass(frozen=True, eq=False)
class ServedGraph:
    """What is served of a spiking model.

    Attributes:
        model: From images `[B, ...]` to a list of outputs.
        names: Names of the outputs.
        classified: Name of a list of classes, to the output they are the
            largest entries of.
        table: When the calls of the spiking model run.
    """

    model: keras.Model
    names: tuple[str, ...]
    classified: dict[str, str]
    table: Timetable

    @property
    def inputs(self) -> list[keras.KerasTensor]:
        """What it takes."""
        return self.model.inputs

    @property
    def is_classifier(self) -> bool:
        """Whether there is one output, scores `[B, K]` of K classes."""
        return self.classified == {CLASSES: LOGITS}


def served_graph(model: keras.Model) -> ServedGraph:
    """Finds and names what a server gives.

    The outputs are `logits`, averaged over time and before a last activation,
    and what the model returns if it ends in one: `probabilities` for softmax
    and sigmoid, `outputs` for another. There are no `logits` where a last
    activation is still fused into a Dense layer. A model with several outputs
    has these for each, numbered: `logits_0`, `logits_1`, ...

    Classes are named for outputs `[B, K]`, K at least 2, that end in logits or
    a softmax; a sigmoid may be of many classes at once.

    Args:
        model: A spiking model.

    Returns:
        The graph, with its own copy of the weights.

    Raises:
        ConversionError: If it is no spiking model.
        TypeError: If it is not a Keras model.
    """
    graph = trace(model)
    table = timetable(graph)
    tensors, classified = _named_outputs(graph)
    inputs = graph.model.inputs
    served = keras.Model(
        inputs if len(inputs) > 1 else inputs[0],
        list(tensors.values()),
        name="spiking",
    )
    return ServedGraph(served, tuple(tensors), classified, table)


def _named_outputs(graph: Graph):
    """Names to tensors, and names of classes to names of scores."""
    outputs = keras.tree.flatten(graph.model.outputs)
    named, classified = {}, {}
    for number, tensor in enumerate(outputs):
        suffix = f"_{number}" if len(outputs) > 1 else ""
        logits = _before_head(graph, tensor)
        scores = None
        if logits is not None:
            scores = LOGITS + suffix
            named[scores] = logits
        if logits is not tensor:
            head, activation = _head_of(graph.producer(tensor))
            named[head + suffix] = tensor
            if activation != "softmax":
                continue
            scores = scores or head + suffix
        if len(tensor.shape) == 2 and (tensor.shape[1] or 0) > 1:
            classified[CLASSES + suffix] = scores
    return named, classified


def _before_head(graph: Graph, tensor) -> keras.KerasTensor | None:
    """What enters the first last activation; None if that is fused."""
    found = tensor
    while (call := graph.producer(tensor)) is not None:
        if isinstance(call.operation, TimeAverage):
            break
        if len(call.input_tensors) != 1:
            break
        (tensor,) = call.input_tensors
        if is_head(call):
            fused = isinstance(call.operation, KERNEL_LAYERS)
            found = None if fused else tensor
    return found


def _head_of(call: Call) -> tuple[str, str | None]:
    """What to call the output of a last activation, and the activation."""
    names = {call.kind.lower()}
    if hasattr(call.operation, "activation"):
        names.add(activation_name(call.operation.activation))
    (found, *_) = [*sorted(names & _PROBABILITIES), None]
    return ("outputs" if found is None else PROBABILITIES), found
