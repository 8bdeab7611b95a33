"""Which connections a spiking network has: what a spike of a neuron costs.

Spikes run through everything that has no kernel (pools, reshapes, shortcuts)
to the kernels and neurons behind it; scales on the way are thought of as
folded into these. A spike costs one addition a connection. A kernel that reads
something else (the output of another kernel) multiplies, at every step.
"""

import dataclasses
import math

import numpy as np
import tensorflow as tf

from tfsnn.conversion.timetable import Timetable, is_spiking
from tfsnn.graph.view import Call
from tfsnn.layers import RepeatTime

from .unit_weights import is_kernel, kernel_stages, passed_on

READOUT = "readout"


@dataclasses.dataclass
class Target:
    """Connections that end at one neuron layer, or at the read-out.

    Attributes:
        name: Name of the neuron layer; `"readout"` for the rest.
        analog_macs: Multiplications of the analog network.
        constant_macs: Multiplications of the spiking network that are the
            same at every step, and computed once.
        step_macs: Multiplications of the spiking network at every step.
        fan_out: Name of a neuron layer to the connections of each of its
            neurons, float64 `[...]`.
        num_neurons: Neurons of the layer; 0 for the read-out.
        lag: Lag of the neurons, steps.
    """

    name: str
    analog_macs: float = 0.0
    constant_macs: float = 0.0
    step_macs: float = 0.0
    fan_out: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)
    num_neurons: int = 0
    lag: int = 0


def connections(table: Timetable) -> list[Target] | None:
    """Counts the connections of a spiking network.

    Args:
        table: Its timetable.

    Returns:
        One target a neuron layer, in order, and the read-out; None if the
        network has feature maps with unknown axes.
    """
    calls = (*table.prelude, *table.steps, *table.readouts, *table.finale)
    tensors = [x for call in calls for x in call.input_tensors]
    if any(None in tensor.shape[1:] for tensor in tensors):
        return None
    return _Counter(table).targets()


@dataclasses.dataclass(frozen=True)
class _Flow:
    """What is known of a tensor.

    Attributes:
        spikes: Spikes it is made from if each neuron fires once, `[1, ...]`;
            None: none.
        graded: Whether other values are in it, which change in time or are
            constant.
        pending: Kernels on the way that no neuron has followed yet.
    """

    spikes: tf.Tensor | None = None
    graded: bool = True
    pending: frozenset = frozenset()


class _Counter:
    """Walks the calls once, with one spike of every neuron."""

    def __init__(self, table: Timetable):
        self._table = table
        self._flows: dict[int, _Flow] = {}
        self._open: dict[int, Target] = {}
        self._sources: dict[str, tf.Tensor] = {}
        self._arrivals: list[tuple[Target, tf.Tensor]] = []
        self._targets: list[Target] = []

    def targets(self) -> list[Target]:
        with tf.GradientTape(persistent=True) as tape:
            for call in self._table.prelude:
                self._constant(call)
            for call in self._table.steps:
                if is_spiking(call):
                    self._neuron(call, tape)
                else:
                    self._step(call)
            self._readout()
        for target, arrived in self._arrivals:
            found = tape.gradient(arrived, self._sources)
            for name, gradient in found.items():
                if gradient is not None:
                    one = gradient.numpy()[0].astype("float64")
                    target.fan_out[name] = target.fan_out.get(name, 0.0) + one
        return self._targets

    def _constant(self, call):
        """What is computed once for an image."""
        pending = self._pending(call)
        if is_kernel(call):
            macs = _dense(call)
            part = Target("", analog_macs=macs, constant_macs=macs)
            pending |= self._kept(call, part)
        self._give(call, _Flow(pending=pending))

    def _step(self, call):
        """What is computed at every step."""
        if is_kernel(call):
            return self._kernel(call)
        flows = [self._flow(tensor) for tensor in call.input_tensors]
        flow = _Flow(pending=self._pending(call))
        if isinstance(call.operation, RepeatTime):
            return self._give(call, flow)
        if any(one.spikes is not None for one in flows):
            values = {
                id(tensor): _spikes_or_none(flow_in, tensor)
                for tensor, flow_in in zip(
                    call.input_tensors, flows, strict=True
                )
            }
            graded = any(one.graded for one in flows)
            flow = _Flow(passed_on(call, values), graded, flow.pending)
        return self._give(call, flow)

    def _kernel(self, call):
        (tensor,) = call.input_tensors
        flow = self._flow(tensor)
        part = Target("", analog_macs=_dense(call))
        if flow.graded:
            part.step_macs = part.analog_macs
        else:
            first, *rest = kernel_stages(call, flow.spikes)
            self._arrivals.append((part, tf.reduce_sum(first)))
            part.step_macs = float(sum(_total(stage) for stage in rest))
        self._give(call, _Flow(pending=flow.pending | self._kept(call, part)))

    def _neuron(self, call, tape):
        layer = call.operation
        (tensor,) = call.input_tensors
        size = math.prod(call.outputs.shape[1:])
        target = Target(call.name, num_neurons=size, lag=layer.lag)
        self._collect(target, [self._flow(tensor)])
        one = tf.ones([1, *call.outputs.shape[1:]])
        tape.watch(one)
        self._sources[call.name] = one
        self._give(call, _Flow(one, graded=False))

    def _readout(self):
        """The time averages, and what follows them, once for an image."""
        target = Target(READOUT)
        ends = [call.input_tensors[0] for call in self._table.readouts]
        self._collect(target, [self._flow(tensor) for tensor in ends])
        for call in self._table.finale:
            if is_kernel(call):
                macs = _dense(call)
                target.analog_macs += macs
                target.constant_macs += macs

    def _collect(self, target, flows):
        """Gives a target what comes before it and is not counted yet."""
        self._targets.append(target)
        for flow in flows:
            if flow.spikes is not None:
                self._arrivals.append((target, tf.reduce_sum(flow.spikes)))
        for key in sorted(set().union(*(flow.pending for flow in flows))):
            part = self._open.pop(key, None)
            if part is None:
                continue
            target.analog_macs += part.analog_macs
            target.constant_macs += part.constant_macs
            target.step_macs += part.step_macs
            self._arrivals = [
                (target if owner is part else owner, arrived)
                for owner, arrived in self._arrivals
            ]

    def _kept(self, call: Call, part: Target) -> frozenset:
        key = len(self._flows)
        self._open[key] = part
        return frozenset([key])

    def _pending(self, call):
        flows = [self._flow(tensor) for tensor in call.input_tensors]
        return frozenset().union(*(flow.pending for flow in flows))

    def _flow(self, tensor):
        return self._flows.get(id(tensor), _Flow())

    def _give(self, call, flow):
        for tensor in call.output_tensors:
            self._flows[id(tensor)] = flow


def _spikes_or_none(flow, tensor):
    if flow.spikes is not None:
        return flow.spikes
    return tf.zeros([1, *tensor.shape[1:]])


def _dense(call):
    """All connections of a kernel, within the borders."""
    (tensor,) = call.input_tensors
    stages = kernel_stages(call, tf.ones([1, *tensor.shape[1:]]))
    return float(sum(_total(stage) for stage in stages))


def _total(stage):
    return np.sum(stage.numpy(), dtype="float64")
