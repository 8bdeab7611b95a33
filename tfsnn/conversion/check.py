"""Looks a whole model over and lists everything that stands in the way."""

import keras
import numpy as np

from tfsnn.errors import ConversionError
from tfsnn.graph.trace import trace
from tfsnn.graph.view import Call, Graph, symbolic_tensors

from .findings import Finding, Findings
from .rules import HEAD, KERNEL_LAYERS, NEURON, rule_for


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
        graph = trace(model, stand_ins=True)
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
    too_early = _calls_before_the_end(graph)
    findings = _about_model(graph)
    for call, ruling in rulings:
        refused = ruling.role is None
        if ruling.role == HEAD and id(call) in too_early:
            refused = True
        if refused:
            findings.append(
                Finding(call.name, call.kind, ruling.reason, ruling.remedy)
            )
    findings += _not_finite(graph)
    findings += _without_deviation(graph)
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
    unique = tuple(dict.fromkeys(findings))  # A shared layer is said once.
    return Findings(graph.model.name, unique, num_neurons, len(rulings))


def _calls_before_the_end(graph: Graph) -> set[int]:
    """Ids of the calls with a neuron or a kernel layer downstream.

    An activation there is no head: it would keep a part of the network from
    spiking.
    """
    before: set[int] = set()
    for call in reversed(graph.calls):
        for tensor in call.output_tensors:
            for consumer in graph.consumers(tensor):
                if id(consumer) in before or _works(consumer):
                    before.add(id(call))
    return before


def _works(call: Call) -> bool:
    kernel = isinstance(call.operation, KERNEL_LAYERS)
    return kernel or rule_for(call).has_neuron


def _about_model(graph: Graph) -> list[Finding]:
    inputs = symbolic_tensors(graph.model.inputs)
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
            if "float" in str(value.dtype)  # bfloat16 is no np.floating
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


def _without_deviation(graph: Graph) -> list[Finding]:
    """Batch normalisations that divide by the root of nothing or less."""
    findings = []
    for layer in graph.model.layers:
        if not isinstance(layer, keras.layers.BatchNormalization):
            continue
        variance = keras.ops.convert_to_numpy(layer.moving_variance)
        bad = int(np.sum(variance.astype("float64") + layer.epsilon <= 0))
        if bad:
            findings.append(
                Finding(
                    layer.name,
                    type(layer).__name__,
                    f"moving_variance + epsilon is 0 or below in {bad} of its"
                    " channels",
                    "Its outputs are not finite. Load a checkpoint with the"
                    " variances of the training, or use an epsilon above 0.",
                )
            )
    return findings


def is_neuron(call: Call) -> bool:
    """Whether a call of a prepared graph is a ReLU that becomes a neuron."""
    return rule_for(call).role == NEURON


def is_head(call: Call) -> bool:
    """Whether a call of a prepared graph is a last activation."""
    return rule_for(call).role == HEAD


def hidden_relus(graph: Graph) -> list[str]:
    """Layers of a prepared graph with a ReLU inside; there should be none."""
    rulings = ((call.name, rule_for(call)) for call in graph)
    return [
        name
        for name, rule in rulings
        if rule.has_neuron and rule.role != NEURON
    ]
