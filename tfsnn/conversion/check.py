"""Looks a whole model over and lists everything that stands in the way."""

import keras
import numpy as np

from tfsnn.errors import ConversionError
from tfsnn.graph.trace import trace
from tfsnn.graph.view import Call, Graph, symbolic_tensors

from .config import ConversionConfig
from .declarations import false_declarations
from .findings import Finding, Findings
from .operation_rules import HEAD, NEURON, POOL
from .rules import KERNEL_LAYERS, rule_for


def check(
    model: keras.Model, *, config: ConversionConfig | None = None
) -> Findings:
    """Says whether a model converts, and if not, all reasons why.

    Args:
        model: A trained Functional or Sequential model; not changed.
        config: Options of the conversion; the defaults if None.

    Returns:
        Findings; `.ok`, `str()` and `.to_json()`.

    Raises:
        TypeError: If `model` is not a Keras 3 model.
    """
    config = config or ConversionConfig()
    try:
        graph = trace(model, stand_ins=True, affine=config.affine)
    except ConversionError as error:
        finding = Finding(
            model.name,
            type(model).__name__,
            "its graph is not known",
            str(error),
        )
        return Findings(model.name, (finding,))
    return check_graph(graph, config)


def check_graph(
    graph: Graph, config: ConversionConfig | None = None
) -> Findings:
    """The same for a model already traced, see `check`."""
    config = config or ConversionConfig()
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
        elif ruling.role == POOL and config.max_pool == "refuse":
            findings.append(_refused_pool(call))
    findings += false_declarations(graph.calls)
    findings += _without_a_layer(graph, config)
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
    warnings = _averaged_pools(rulings, config)
    return Findings(
        graph.model.name, unique, num_neurons, len(rulings), warnings
    )


def _refused_pool(call: Call) -> Finding:
    return Finding(
        call.name,
        call.kind,
        "max pooling is refused by max_pool='refuse'",
        "Use max_pool='spiking', which keeps the total exact, or replace it by"
        " average pooling and retrain; that is what the method was published"
        " with.",
    )


def _averaged_pools(rulings, config) -> tuple[Finding, ...]:
    if config.max_pool != "average":
        return ()
    return tuple(
        Finding(
            call.name,
            call.kind,
            "it becomes average pooling, so the accuracy may change",
            "Retrain with average pooling, or use max_pool='spiking'.",
        )
        for call, ruling in rulings
        if ruling.role == POOL
    )


def _without_a_layer(graph: Graph, config) -> list[Finding]:
    names = {call.name for call in graph}
    return [
        Finding(
            name,
            "no layer",
            "it is named by affine=... and the model has no such layer",
            "Correct the name; tfsnn check lists all layers.",
        )
        for name in config.affine
        if name not in names
    ]


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
    return [
        Finding(
            tensor.name,
            "InputLayer",
            f"its dtype is {tensor.dtype}",
            "Supported: floating-point images. Declare the Input as float32.",
        )
        for tensor in symbolic_tensors(graph.model.inputs)
        if "float" not in tensor.dtype
    ]


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
