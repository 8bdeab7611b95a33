"""When each value of a spiking network is there: offsets, lags, latency.

A value that carries time lasts T steps. Its offset is the global step at which
its first entry is there: that of its latest source, and `lag` later behind a
neuron. All paths that meet have to be aligned to the latest of them.
"""

import dataclasses
import functools

import keras

from tfsnn.errors import ConversionError
from tfsnn.graph.trace import trace
from tfsnn.graph.view import Call, Graph
from tfsnn.layers import (
    RepeatTime,
    SpikingActivation,
    SpikingMaxPooling,
    TimeAverage,
)

FOLDED_ROWS = 512
"""Rows (T times images) of a folded batch: feature maps stay in the cache."""
CLOCKED = (RepeatTime, SpikingActivation, SpikingMaxPooling, TimeAverage)


@dataclasses.dataclass(frozen=True, eq=False)
class Timetable:
    """The calls of a spiking network, by when they run.

    Attributes:
        timesteps: T.
        prelude: Calls on values that are constant in time; they run once.
        steps: Calls on values that carry time; they run at every step.
        readouts: The time averages, in the order of the outputs they reach.
        finale: What follows the read-outs; runs once.
        offsets: Id of a tensor that carries time to its first step.
    """

    timesteps: int
    prelude: tuple[Call, ...]
    steps: tuple[Call, ...]
    readouts: tuple[Call, ...]
    finale: tuple[Call, ...]
    offsets: dict[int, int]

    @property
    def folded_images(self) -> int:
        """Images of a folded batch, which has T rows of each."""
        return max(1, FOLDED_ROWS // self.timesteps)

    def arrival(self, call: Call) -> int | None:
        """First step at which all inputs of a call are there.

        Args:
            call: A call of the network.

        Returns:
            The offset of its latest input; None if none carries time.
        """
        found = [
            self.offsets[id(tensor)]
            for tensor in call.input_tensors
            if id(tensor) in self.offsets
        ]
        return max(found, default=None)

    def delay(self, call: Call, tensor: keras.KerasTensor) -> int:
        """Steps that an input waits for the latest input of its call.

        Args:
            call: A call of the network.
            tensor: One of its inputs.

        Returns:
            Number of steps; 0 for a constant.
        """
        if id(tensor) not in self.offsets:
            return 0
        return self.arrival(call) - self.offsets[id(tensor)]

    @functools.cached_property
    def delays(self) -> dict[int, tuple[keras.KerasTensor, int]]:
        """Id of each tensor that has to wait: the tensor, its longest wait."""
        longest = {}
        for call in (*self.steps, *self.readouts):
            for tensor in call.input_tensors:
                _, so_far = longest.get(id(tensor), (tensor, 0))
                delay = self.delay(call, tensor)
                if delay > so_far:
                    longest[id(tensor)] = (tensor, delay)
        return longest

    @functools.cached_property
    def neurons(self) -> tuple[Call, ...]:
        """The neurons, in order."""
        return tuple(call for call in self.steps if is_spiking(call))

    @functools.cached_property
    def pools(self) -> tuple[Call, ...]:
        """The spiking pools, in order."""
        return tuple(call for call in self.steps if is_pool(call))

    @functools.cached_property
    def max_lag(self) -> int:
        """Largest lag of a neuron."""
        return max(call.operation.lag for call in self.neurons)

    @functools.cached_property
    def has_fixed_steps(self) -> bool:
        """Whether a neuron does something else if T is another."""
        kinds = (call.operation.cell.kind for call in self.neurons)
        return any(kind.needs_two_phase for kind in kinds)

    @functools.cached_property
    def has_unknown_axes(self) -> bool:
        """Whether a neuron, delay line or read-out has axes of any size.

        The stepping form does not know the shape of its state then.
        """
        tensors = [call.outputs for call in (*self.neurons, *self.readouts)]
        tensors += [tensor for tensor, _ in self.delays.values()]
        return any(None in tensor.shape[1:] for tensor in tensors)

    @property
    def has_prefixes(self) -> bool:
        """Whether the outputs so far are those of a shorter run."""
        return not self.max_lag and not self.has_fixed_steps

    @property
    def latency_steps(self) -> int:
        """Steps from the image to the output: T and the lags on the way."""
        last = max(self.arrival(call) or 0 for call in self.readouts)
        return self.timesteps + last


def is_spiking(call: Call) -> bool:
    """Whether a call of a spiking network is a neuron."""
    return isinstance(call.operation, SpikingActivation)


def is_pool(call: Call) -> bool:
    """Whether a call of a spiking network is a spiking pool."""
    return isinstance(call.operation, SpikingMaxPooling)


def timesteps_of(model: keras.Model) -> int:
    """T of a spiking model.

    Args:
        model: What `Conversion.spiking_model` returns, also reloaded.

    Returns:
        T.

    Raises:
        ConversionError: If it has no spiking neurons or several T.
    """
    clocked = [layer for layer in model.layers if isinstance(layer, CLOCKED)]
    found = sorted({layer.timesteps for layer in clocked})
    neurons = [x for x in clocked if isinstance(x, SpikingActivation)]
    if len(found) != 1 or not neurons:
        raise ConversionError(
            f"Model '{model.name}' has {len(neurons)} SpikingActivation layers"
            f" and timesteps {found}. Supported: spiking models with one T."
            " Make one with tfsnn.convert(...).spiking_model(timesteps)."
        )
    return found[0]


def latency_steps(model: keras.Model) -> int:
    """Steps from the image to the output: T plus the lags along a path.

    Args:
        model: A spiking model, see `timesteps_of`.

    Returns:
        T plus the largest sum of lags along a path.

    Raises:
        ConversionError: If it is no spiking model.
    """
    timesteps = timesteps_of(model)
    neurons = [x for x in model.layers if isinstance(x, SpikingActivation)]
    if not any(layer.lag for layer in neurons):
        return timesteps
    return timetable(trace(model)).latency_steps


def timetable(graph: Graph) -> Timetable:
    """Sorts the calls of a spiking network by when they run.

    Args:
        graph: What `trace` returns for a spiking model.

    Returns:
        The timetable.

    Raises:
        ConversionError: If time does not run from the first neurons to the
            time averages.
    """
    builder = _Builder(timesteps_of(graph.model))
    for call in graph:
        builder.add(call)
    for tensor in keras.tree.flatten(graph.model.outputs):
        if id(tensor) in builder.offsets:
            _refuse(
                f"Output '{tensor.name}' of model '{graph.model.name}' still"
                " carries time."
            )
    if not builder.groups["readouts"]:
        _refuse(f"Model '{graph.model.name}' has no read-out.")
    return builder.finished(graph)


class _Builder:
    """Sorts calls that come in topological order."""

    def __init__(self, timesteps):
        self.offsets = {}
        self.groups = {
            name: [] for name in ("prelude", "steps", "readouts", "finale")
        }
        self._timesteps = timesteps
        self._averaged = set()

    def add(self, call):
        inputs = [id(tensor) for tensor in call.input_tensors]
        averaged = any(i in self._averaged for i in inputs)
        arrivals = [self.offsets[i] for i in inputs if i in self.offsets]
        self._check(call, averaged, bool(arrivals))
        outputs = [id(tensor) for tensor in call.output_tensors]
        if isinstance(call.operation, TimeAverage):
            self.groups["readouts"].append(call)
            self._averaged.update(outputs)
        elif averaged:
            self.groups["finale"].append(call)
            self._averaged.update(outputs)
        elif is_spiking(call):
            self.groups["steps"].append(call)
            offset = max(arrivals, default=0) + call.operation.lag
            self.offsets.update(dict.fromkeys(outputs, offset))
        elif arrivals:
            self.groups["steps"].append(call)
            self.offsets.update(dict.fromkeys(outputs, max(arrivals)))
        else:
            self.groups["prelude"].append(call)

    def finished(self, graph):
        self.groups["readouts"] = _readouts_by_output(graph)
        groups = {name: tuple(calls) for name, calls in self.groups.items()}
        return Timetable(self._timesteps, **groups, offsets=self.offsets)

    def _check(self, call, averaged, temporal):
        where = f"'{call.name}' ({call.kind})"
        if averaged and (temporal or isinstance(call.operation, CLOCKED)):
            _refuse(f"{where} takes time averages back into time.")
        if temporal and isinstance(call.operation, RepeatTime):
            _refuse(f"{where} repeats a value that already carries time.")
        if temporal and is_spiking(call) and not call.operation.temporal_input:
            _refuse(
                f"{where} has temporal_input=False and a current that carries"
                " time."
            )


def _readouts_by_output(graph):
    found = {}
    for output in keras.tree.flatten(graph.model.outputs):
        pending = [output]
        while pending:
            call = graph.producer(pending.pop())
            if call is not None and isinstance(call.operation, TimeAverage):
                found[id(call)] = call
            elif call is not None:
                pending += reversed(call.input_tensors)
    return found.values()


def _refuse(received):
    raise ConversionError(
        f"{received} Supported: constants, then neurons and affine layers,"
        " then one TimeAverage on the way to each output. Build the model with"
        " tfsnn.convert, or change this layer."
    )
