"""Which tensor of a spiking model gets which scale, and who takes it up."""

import dataclasses

import keras
import numpy as np

from tfsnn.graph.view import Call, Graph, symbolic_tensors

from .scale_rules import (
    ONE,
    EqualRule,
    FiringRule,
    KernelRule,
    Scale,
    ScaleRule,
    scale_rule,
)


@dataclasses.dataclass(frozen=True)
class ScalePlan:
    """Scales of all tensors so that every threshold becomes one.

    Attributes:
        rules: Id of a call to its rule.
        targets: Id of a call to the scale in which it reads each input.
        scales: Id of a tensor to its scale; inputs of the model have one.
        biases: Id of the call of a kernel layer to the bias current of a
            neuron behind it, activation units.
        without_bias: Ids of the neuron calls whose bias current is there.
    """

    rules: dict[int, ScaleRule]
    targets: dict[int, list[Scale]]
    scales: dict[int, Scale]
    biases: dict[int, np.ndarray]
    without_bias: set[int]


def plan_scales(graph: Graph) -> ScalePlan:
    """Plans with one walk forward, one back and one forward again.

    First what comes of itself: spikes have the scale of their threshold. Then
    what is wanted: a current that of the threshold it meets, all inputs of a
    sum the same. Where several calls read a tensor the first one decides.

    Args:
        graph: A spiking model.

    Returns:
        The plan.
    """
    rules = {id(call): scale_rule(call) for call in graph}
    _, unforced = _settle(graph, rules, {})
    wanted: dict[int, Scale | None] = {
        id(tensor): ONE for tensor in symbolic_tensors(graph.model.outputs)
    }
    for call in reversed(graph.calls):
        rule = rules[id(call)]
        output = id(call.output_tensors[0])
        if isinstance(rule, EqualRule) and wanted.get(output) is None:
            wanted[output] = unforced[output]
        tensors = call.input_tensors
        scales = rule.wanted(wanted.get(output), len(tensors))
        for tensor, scale in zip(tensors, scales, strict=True):
            if scale is not None:
                wanted[id(tensor)] = scale
    targets, scales = _settle(graph, rules, wanted)
    biases, without_bias = _plan_biases(graph, rules)
    return ScalePlan(rules, targets, scales, biases, without_bias)


def _settle(graph, rules, wanted):
    """Goes forward: what each call reads and makes."""
    targets = {}
    scales = {
        id(tensor): ONE for tensor in symbolic_tensors(graph.model.inputs)
    }
    for call in graph:
        inputs = [scales[id(tensor)] for tensor in call.input_tensors]
        output = wanted.get(id(call.output_tensors[0]))
        targets[id(call)], made = rules[id(call)].settled(inputs, output)
        scales.update({id(tensor): made for tensor in call.output_tensors})
    return targets, scales


def _plan_biases(graph, rules):
    biases, without_bias = {}, set()
    for call in graph:
        rule = rules[id(call)]
        if not isinstance(rule, FiringRule) or rule.neuron.bias is None:
            continue
        if rule.neuron.bias.ndim < 2:
            home = _home(graph, rules, call.input_tensors[0])
            if home is not None:
                biases[id(home)] = rule.neuron.bias
                without_bias.add(id(call))
    return biases, without_bias


def _home(graph: Graph, rules: dict, tensor: keras.KerasTensor) -> Call | None:
    """The call whose bias reaches one neuron, unchanged, and nothing else."""
    call = graph.producer(tensor)
    if call is None or graph.only_consumer(tensor) is None:
        return None
    rule = rules[id(call)]
    if isinstance(rule, KernelRule):
        bias = getattr(call.operation, "use_offset", True)
        return call if rule.by_channel and rule.linear and bias else None
    if isinstance(rule, EqualRule) and call.kind in ("Add", "RepeatTime"):
        homes = (_home(graph, rules, one) for one in call.input_tensors)
        return next((home for home in homes if home is not None), None)
    return None
