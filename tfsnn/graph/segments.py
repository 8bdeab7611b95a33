"""Cuts a prepared graph at its neurons.

Segment l is an affine sub-graph from the outputs of earlier neurons (or the
inputs) to the current of neuron l. An affine tensor that several segments need
(a residual stream without ReLU) is a cut of its own, a junction; otherwise each
segment would contain all earlier branches.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

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
        sources: What it reads: inputs, see `by_source`, or names of earlier
            segments.
        model: `keras.Model`, the sources' outputs in that order to the
            current.
        neuron: The call of the ReLU; None for the other roles.
    """

    name: str
    role: str
    sources: tuple[str, ...]
    model: keras.Model
    neuron: Call | None = None


INPUT = "/input"
"""Name of the model's input as a source; no layer can have it. Several inputs
are `/input_0`, `/input_1` and so on, in order."""


def by_source(images: Any) -> dict[str, Any]:
    """What belongs to each input, by the name it has as a source.

    Args:
        images: Anything for one input; a tuple, one entry for each of several.

    Returns:
        Source to that.
    """
    if not isinstance(images, tuple):
        return {INPUT: images}
    return {f"{INPUT}_{n}": one for n, one in enumerate(images)}


def is_input(source: str) -> bool:
    """Whether a source is an input of the model."""
    return source.startswith("/")


def cut(graph: Graph, *, is_neuron: Predicate, is_head: Predicate) -> list:
    """Cuts a graph into segments, in topological order.

    Args:
        graph: A prepared graph.
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
        inputs = tuple(symbolic_tensors(graph.model.inputs))
        sources = by_source(inputs if len(inputs) > 1 else inputs[0])
        self._cuts = {id(tensor): name for name, tensor in sources.items()}
        self._used_names = {call.name for call in graph if is_neuron(call)}
        self._position = {id(call): n for n, call in enumerate(graph)}
        self._late = self._find_late()
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
                if self._is_neuron(call):
                    self._cuts[id(tensor)] = call.name
                elif junction:
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
                if call is None or id(call) not in self._late:
                    found.setdefault(id(tensor), tensor)
                else:
                    pending += call.input_tensors
        return list(found.values())

    def _find_late(self) -> set[int]:
        """Ids of the calls that are a head or follow one."""
        late = set()
        for call in self._graph:
            producers = map(self._graph.producer, call.input_tensors)
            if self._is_head(call) or any(id(p) in late for p in producers):
                late.add(id(call))
        return late

    def _unique(self, name: str) -> str:
        number = 0
        candidate = name
        while candidate in self._used_names:
            number += 1
            candidate = f"{name}_{number}"
        self._used_names.add(candidate)
        return candidate

    def _segment(self, name, role, end, neuron=None) -> Segment:
        sources, calls = self._between(end, is_end=role == JUNCTION)
        model = _replay(calls, list(sources.values()), end, f"segment_{name}")
        return Segment(name, role, tuple(sources), model, neuron)

    def _between(self, end, *, is_end: bool) -> tuple[dict, list[Call]]:
        """The cuts a tensor is made from, and the calls after them in order.

        Itself is a cut only where it is read.
        """
        sources, calls = {}, {}
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
            call = self._graph.producer(tensor)
            calls[self._position[id(call)]] = call
            pending += [(t, False) for t in call.input_tensors]
        ordered = [call for _, call in sorted(calls.items())]
        return dict(sorted(sources.items())), ordered


def _replay(calls, sources, end, name) -> keras.Model:
    """A model of some calls, on new tensors and with the same layers.

    `keras.Model(sources, end)` would lose the uses of a shared layer behind a
    source that the same layer makes.
    """
    inputs = [keras.Input(batch_shape=t.shape, dtype=t.dtype) for t in sources]
    new = {id(t): fresh for t, fresh in zip(sources, inputs, strict=True)}

    def renew(leaf):
        return new[id(leaf)] if isinstance(leaf, keras.KerasTensor) else leaf

    for call in calls:
        args, kwargs = keras.tree.map_structure(renew, (call.args, call.kwargs))
        outputs = keras.tree.flatten(call.operation(*args, **kwargs))
        old = keras.tree.flatten(call.outputs)
        new.update((id(a), b) for a, b in zip(old, outputs, strict=True))
    return keras.Model(_one_or_all(inputs), new[id(end)], name=name)


def _one_or_all(values: list):
    return values[0] if len(values) == 1 else values
