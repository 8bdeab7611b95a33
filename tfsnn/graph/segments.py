"""Cuts a prepared graph at its neurons.

Segment l is an affine sub-graph from the outputs of earlier neurons (or the
input) to the current of neuron l. An affine tensor that several segments need
(a residual stream without ReLU) is a cut of its own, a junction; otherwise each
segment would contain all earlier branches.
"""

import dataclasses
from collections.abc import Callable

import keras

from .view import Call, Graph, symbolic_tensors

NEURON = "neuron"
JUNCTION = "junction"
READOUT = "readout"

Predicate = Callable[[Call], bool]


@dataclasses.dataclass(frozen=True, eq=False)
class Segment:
    """One affine piece of the network and what stands at its end.

    Attributes:
        name: Name of the neuron; of the operation for a junction; of the
            operation that makes the output for a read-out.
        role: `"neuron"`, `"junction"` or `"readout"`.
        sources: What it reads: `INPUT` or names of earlier segments.
        model: `keras.Model`, the sources' outputs in that order to the
            current.
        neuron: The call of the ReLU; None for the other roles.
    """

    name: str
    role: str
    sources: tuple[str, ...]
    model: keras.Model
    neuron: Call | None = None


INPUT = "input"


def cut(graph: Graph, *, is_neuron: Predicate, is_head: Predicate) -> list:
    """Cuts a graph into segments, in topological order.

    Args:
        graph: A prepared graph with one input.
        is_neuron: Whether a call is a neuron.
        is_head: Whether a call is a last activation; it and what follows
            belong to no segment.

    Returns:
        `Segment`s; read-outs come last.
    """
    return _Cutter(graph, is_neuron, is_head).segments()


class _Cutter:
    """Finds the cuts, then walks back from each of them."""

    def __init__(self, graph: Graph, is_neuron: Predicate, is_head: Predicate):
        self._graph = graph
        self._is_neuron = is_neuron
        self._is_head = is_head
        (tensor,) = symbolic_tensors(graph.model.inputs)
        self._cuts = {id(tensor): INPUT}
        self._used_names = {INPUT}
        self._find_cuts()

    def segments(self) -> list[Segment]:
        found = []
        for call in self._graph:
            for tensor in call.output_tensors:
                name = self._cuts.get(id(tensor))
                if name is not None and self._is_neuron(call):
                    current = call.input_tensors[0]
                    found.append(self._segment(name, NEURON, current, call))
                elif name is not None:
                    found.append(self._segment(name, JUNCTION, tensor))
        for number, tensor in enumerate(self._readouts()):
            name = READOUT if not number else f"{READOUT}_{number}"
            found.append(self._segment(self._unique(name), READOUT, tensor))
        return found

    def _find_cuts(self):
        """Walks back: at which cuts and outputs does each tensor end?"""
        ends: dict[int, set] = {}
        readouts = {id(tensor) for tensor in self._readouts()}
        for call in reversed(self._graph.calls):
            for tensor in call.output_tensors:
                reached = set()
                if id(tensor) in readouts:
                    reached.add((READOUT, id(tensor)))
                for consumer in self._graph.consumers(tensor):
                    reached |= self._ends_of(consumer, ends)
                branches = len(self._graph.consumers(tensor))
                branches += id(tensor) in readouts
                junction = branches > 1 and len(reached) > 1
                if self._is_neuron(call) or junction:
                    self._cuts[id(tensor)] = self._unique(call.name)
                    reached = {(JUNCTION, id(tensor))}
                ends[id(tensor)] = reached

    def _ends_of(self, call: Call, ends: dict[int, set]) -> set:
        if self._is_neuron(call):
            return {(NEURON, id(call))}
        if self._is_head(call):
            return set()
        reached = set()
        for tensor in call.output_tensors:
            reached |= ends[id(tensor)]
        return reached

    def _readouts(self) -> list[keras.KerasTensor]:
        """Tensors that are averaged over time: outputs, or a head's input."""
        found = {}
        for output in symbolic_tensors(self._graph.model.outputs):
            pending = [output]
            while pending:
                tensor = pending.pop()
                call = self._graph.producer(tensor)
                if call is None or not self._after_head(call):
                    found.setdefault(id(tensor), tensor)
                else:
                    pending += call.input_tensors
        return list(found.values())

    def _after_head(self, call: Call) -> bool:
        """Whether a call is a head or follows one."""
        if self._is_head(call):
            return True
        if self._is_neuron(call):
            return False
        producers = map(self._graph.producer, call.input_tensors)
        return any(p is not None and self._after_head(p) for p in producers)

    def _unique(self, name: str) -> str:
        number = 0
        candidate = name
        while candidate in self._used_names:
            number += 1
            candidate = f"{name}_{number}"
        self._used_names.add(candidate)
        return candidate

    def _segment(self, name, role, end, neuron=None) -> Segment:
        sources = self._sources(end, is_end=role == JUNCTION)
        inputs = [tensor for tensor in sources.values()]
        model = keras.Model(inputs, end, name=f"segment_{name}")
        return Segment(name, role, tuple(sources), model, neuron)

    def _sources(self, end, *, is_end: bool) -> dict[str, keras.KerasTensor]:
        """The cuts a tensor is made from; itself only where it is read."""
        sources = {}
        pending = [(end, is_end)]
        seen = set()
        while pending:
            tensor, skip = pending.pop()
            if id(tensor) in seen:
                continue
            seen.add(id(tensor))
            name = self._cuts.get(id(tensor))
            if name is not None and not skip:
                sources[name] = tensor
                continue
            producer = self._graph.producer(tensor)
            pending += [(t, False) for t in producer.input_tensors]
        return dict(sorted(sources.items()))
