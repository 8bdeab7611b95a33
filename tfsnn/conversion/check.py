"""Looks a whole model over and lists everything that stands in the way."""

import keras
import numpy as np

from tfsnn.errors import ConversionError
from tfsnn.graph.trace import trace
from tfsnn.graph.view import Call, Graph

from .findings import Finding, Findings
from .rules import HEAD, rule_for


def check(model: keras.Model) -> Findings:
    """Says whether a model converts, and if not, all reasons why.

    Args:
        model: A trained Functional or Sequential model; not changed.

    Returns:
        Findings; `.ok`, `str()` and `.to_json()`.

    Raises:
        TypeError: If `model` is not a Keras 3 model.
    """
    try:
        graph = trace(model)
    except ConversionError as error:
        finding = Finding(
            model.name,
            type(model).__name__,
            "its graph is not known",
            str(error),
        )
        return Findings(model.name, (finding,))
    return check_graph(graph)


def check_graph(graph: Graph) -> Findings:
    """The same for a model already traced, see `check`."""
    rulings = [(call, rule_for(call)) for call in graph]
    before_neuron = _calls_before_neurons(graph)
    findings = _about_model(graph)
    for call, ruling in rulings:
        refused = ruling.role is None
        if ruling.role == HEAD and id(call) in before_neuron:
            refused = True
        if refused:
            findings.append(
                Finding(call.name, call.kind, ruling.reason, ruling.remedy)
            )
    findings += _not_finite(graph)
    num_neurons = sum(ruling.has_neuron for _, ruling in rulings)
    if not num_neurons:
        findings.append(
            Finding(
                graph.model.name,
                "Model",
                "it has no ReLU, so there is nothing to convert",
                "Spiking neurons replace ReLU and ReLU6 activations.",
            )
        )
    return Findings(
        graph.model.name, tuple(findings), num_neurons, len(rulings)
    )


def _calls_before_neurons(graph: Graph) -> set[int]:
    """Ids of the calls from which a neuron can be reached downstream."""
    before: set[int] = set()
    for call in reversed(graph.calls):
        for tensor in call.output_tensors:
            for consumer in graph.consumers(tensor):
                if rule_for(consumer).has_neuron or id(consumer) in before:
                    before.add(id(call))
    return before


def _about_model(graph: Graph) -> list[Finding]:
    inputs = keras.tree.flatten(graph.model.inputs)
    if len(inputs) > 1:
        return [
            Finding(
                graph.model.name,
                "Model",
                f"it has {len(inputs)} inputs",
                "Supported: one input. Join them before the network.",
            )
        ]
    tensor = inputs[0]
    if "float" not in tensor.dtype:
        return [
            Finding(
                tensor.name,
                "InputLayer",
                f"its dtype is {tensor.dtype}",
                "Supported: floating-point images. Declare the Input as"
                " float32.",
            )
        ]
    return []


def _not_finite(graph: Graph) -> list[Finding]:
    findings = []
    for layer in graph.model.layers:
        bad = sum(
            int(np.sum(~np.isfinite(value)))
            for value in layer.get_weights()
            if np.issubdtype(value.dtype, np.floating)
        )
        if bad:
            findings.append(
                Finding(
                    layer.name,
                    type(layer).__name__,
                    f"{bad} of its weights are NaN or infinite",
                    "Train the model again with a lower learning rate, or"
                    " load another checkpoint.",
                )
            )
    return findings


def is_neuron(call: Call) -> bool:
    """Whether a call of a prepared graph is a ReLU that becomes a neuron."""
    return rule_for(call).has_neuron


def is_head(call: Call) -> bool:
    """Whether a call of a prepared graph is a last activation."""
    return rule_for(call).role == HEAD
