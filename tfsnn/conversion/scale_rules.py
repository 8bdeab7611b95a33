"""How the scale of a tensor passes through each call of a spiking model.

A tensor of scale s holds `old / s`, s a number or one a channel (`[C]`, last
axis). A rule knows which scales a call can read and what it then makes.
"""

import dataclasses
from collections.abc import Sequence

import keras
import numpy as np

from tfsnn.graph.passes.kernel_layers import channel_axis, kernel_layouts
from tfsnn.graph.view import Call
from tfsnn.layers import (
    ChannelAffine,
    RepeatTime,
    SpikingMaxPooling,
    TimeAverage,
)
from tfsnn.layers.max_pooling import MAX_POOLS

from .unit_neuron import UnitNeuron, unit_neuron

Scale = np.ndarray
Wanted = list[Scale | None]
Settled = tuple[list[Scale], Scale]
ONE: Scale = np.array(1.0)

_SAME_CHANNELS = (
    keras.layers.AveragePooling1D,
    keras.layers.AveragePooling2D,
    keras.layers.AveragePooling3D,
    keras.layers.GlobalAveragePooling1D,
    keras.layers.GlobalAveragePooling2D,
    keras.layers.GlobalAveragePooling3D,
    keras.layers.ZeroPadding1D,
    keras.layers.ZeroPadding2D,
    keras.layers.ZeroPadding3D,
    keras.layers.Cropping1D,
    keras.layers.Cropping2D,
    keras.layers.Cropping3D,
    keras.layers.RepeatVector,
    # The largest of scaled values is the scaled largest: scales are above 0.
    *MAX_POOLS,
    SpikingMaxPooling,
    TimeAverage,
)
# These make more numbers than they read: rescaling is cheaper before them.
_GROWING = (
    keras.layers.UpSampling1D,
    keras.layers.UpSampling2D,
    keras.layers.UpSampling3D,
    RepeatTime,
)
_SUMS = (keras.layers.Add, keras.layers.Subtract, keras.layers.Average)
_MOVES = (keras.layers.Flatten, keras.layers.Reshape, keras.layers.Permute)
_OPERATION_SUMS = ("Add", "Subtract")
_OPERATION_MOVES = ("GetItem", "Pad", "Reshape", "Transpose")


class ScaleRule:
    """Everything else: reads and makes values of scale one."""

    def wanted(self, output: Scale | None, number: int) -> Wanted:
        """What each of `number` inputs had best be, None: anything.

        Args:
            output: What the output had best be; None: anything.
            number: Number of inputs.

        Returns:
            One entry an input.
        """
        return [ONE] * number

    def settled(self, inputs: Sequence[Scale], output: Scale | None) -> Settled:
        """Which scales the call reads and makes.

        Args:
            inputs: What each input is.
            output: What the output had best be; None: anything.

        Returns:
            What each input must be rescaled to, and what the output then is.
        """
        return [ONE] * len(inputs), ONE


@dataclasses.dataclass(frozen=True)
class FiringRule(ScaleRule):
    """A neuron: reads currents in thresholds, makes spikes of one."""

    neuron: UnitNeuron

    def wanted(self, output: Scale | None, number: int) -> Wanted:
        """The threshold."""
        return [self.neuron.threshold]

    def settled(self, inputs: Sequence[Scale], output: Scale | None) -> Settled:
        """The threshold; the output's is that of a spike before."""
        return [self.neuron.threshold], self.neuron.spike


@dataclasses.dataclass(frozen=True)
class KernelRule(ScaleRule):
    """A layer whose weights take up the scales of both sides.

    Attributes:
        by_channel: Whether its channels are on the last axis; if not, its
            weights take up one number only.
        linear: Whether its output can be scaled.
    """

    by_channel: bool
    linear: bool

    def wanted(self, output: Scale | None, number: int) -> Wanted:
        """Anything."""
        return [None]

    def settled(self, inputs: Sequence[Scale], output: Scale | None) -> Settled:
        """What is given to what is wanted."""
        target = inputs[0] if self._takes(inputs[0]) else ONE
        if output is None or not self.linear or not self._takes(output):
            output = ONE
        return [target], output

    def _takes(self, scale):
        return self.by_channel or scale.ndim == 0


class EqualRule(ScaleRule):
    """All inputs and the output must have the same scale, as in a sum."""

    def wanted(self, output: Scale | None, number: int) -> Wanted:
        """What the output wants."""
        return [output] * number

    def settled(self, inputs: Sequence[Scale], output: Scale | None) -> Settled:
        """What is wanted; if nothing is, what the first spikes have."""
        if output is None:
            output = next((s for s in inputs if not same(s, ONE)), ONE)
        return [output] * len(inputs), output


@dataclasses.dataclass(frozen=True)
class JoinRule(ScaleRule):
    """Concatenation of channels.

    Attributes:
        channels: Number of channels of each input.
    """

    channels: tuple[int, ...]

    def wanted(self, output: Scale | None, number: int) -> Wanted:
        """The channels that are its own."""
        if output is None:
            return [None] * number
        parts = np.split(
            np.broadcast_to(output, sum(self.channels)),
            np.cumsum(self.channels)[:-1],
        )
        return [simplified(part) for part in parts]

    def settled(self, inputs: Sequence[Scale], output: Scale | None) -> Settled:
        """Anything; the output has them side by side."""
        parts = map(np.broadcast_to, inputs, self.channels)
        return list(inputs), simplified(np.concatenate(list(parts)))


@dataclasses.dataclass(frozen=True, eq=False)
class MoveRule(ScaleRule):
    """Every output value is of one channel, the same at all positions.

    Attributes:
        source: For each output channel the input channel it is made from, -1
            where it is zero; None: only one number for all passes.
        channels: Number of input channels.
    """

    source: np.ndarray | None
    channels: int

    def wanted(self, output: Scale | None, number: int) -> Wanted:
        """What the channels made from it want, if they agree."""
        if output is None or output.ndim == 0:
            return [output]
        if self.source is None:
            return [None]
        used = self.source >= 0
        scale = np.ones(self.channels)
        scale[self.source[used]] = output[used]
        agree = np.array_equal(scale[self.source[used]], output[used])
        return [simplified(scale) if agree else None]

    def settled(self, inputs: Sequence[Scale], output: Scale | None) -> Settled:
        """Anything that passes."""
        (scale,) = inputs
        if scale.ndim == 0:
            return [scale], scale
        if self.source is None:
            return [ONE], ONE
        moved = np.where(self.source < 0, 1.0, scale[self.source])
        return [scale], simplified(moved)


def scale_rule(call: Call) -> ScaleRule:
    """The rule for one call of a spiking model."""
    operation = call.operation
    neuron = unit_neuron(operation)
    if neuron is not None:
        return FiringRule(neuron)
    if len(call.output_tensors) != 1 or not call.input_tensors:
        return ScaleRule()
    if type(operation) is ChannelAffine:
        return KernelRule(by_channel=True, linear=True)
    if kernel_layouts(operation):
        rank = len(call.input_tensors[0].shape)
        return KernelRule(
            by_channel=channel_axis(operation, rank) == rank - 1,
            linear=operation.activation is keras.activations.linear,
        )
    if len(call.input_tensors) > 1:
        return _rule_of_many(call)
    return _rule_of_one(call)


def same(first: Scale, second: Scale) -> bool:
    """Whether two scales are equal in every channel."""
    return bool(np.all(first == second))


def simplified(scale: np.ndarray) -> Scale:
    """One number where all channels have the same."""
    if scale.size and (scale == scale.flat[0]).all():
        return np.array(scale.flat[0])
    return scale


def _is(call: Call, layers: tuple, operations: tuple = ()) -> bool:
    """Whether a call is of one of these layers or `keras.ops` operations.

    Exactly of these: a subclass may compute anything.
    """
    if isinstance(call.operation, keras.Layer):
        return type(call.operation) in layers
    return call.kind in operations


def _rule_of_many(call):
    (output,) = call.output_tensors
    shapes = [tensor.shape for tensor in call.input_tensors]
    if _is(call, (keras.layers.Concatenate,), ("Concatenate",)):
        rank = len(output.shape)
        if call.operation.axis % rank == rank - 1:
            return JoinRule(tuple(shape[-1] for shape in shapes))
        return EqualRule()
    is_sum = _is(call, _SUMS, _OPERATION_SUMS)
    if is_sum and {shape[-1] for shape in shapes} == {output.shape[-1]}:
        return EqualRule()
    return ScaleRule()


def _rule_of_one(call):
    channels = call.input_tensors[0].shape[-1]
    if channels is None:
        return ScaleRule()
    everywhere = np.arange(channels)
    # There the last axis is no axis of channels, but of positions.
    first = getattr(call.operation, "data_format", "") == "channels_first"
    if _is(call, _GROWING) and not first:
        return EqualRule()
    if _is(call, (*_GROWING, *_SAME_CHANNELS)):
        return MoveRule(None if first else everywhere, channels)
    if _is(call, (), ("Negative",)):
        return MoveRule(everywhere, channels)
    if _is(call, (), ("Mean", "Sum")):
        return MoveRule(None if _over_last(call) else everywhere, channels)
    if _is(call, _MOVES, _OPERATION_MOVES) and not _pads_with_numbers(call):
        return MoveRule(_source(call), channels)
    return ScaleRule()


def _over_last(call):
    rank = len(call.input_tensors[0].shape)
    axis = call.operation.axis
    axes = range(rank) if axis is None else np.atleast_1d(axis)
    return any(one % rank == rank - 1 for one in axes)


def _pads_with_numbers(call):
    values = [*call.args[1:], *call.kwargs.values()]
    return call.kind == "Pad" and any(map(np.any, values))


def _source(call):
    """Finds out what moves where by moving the numbers of the channels."""
    shape = call.input_tensors[0].shape[1:]
    if None in shape:
        return None
    # Whole numbers: a mixed dtype policy would round others.
    numbers = np.arange(1, shape[-1] + 1, dtype="int32")
    probe = np.broadcast_to(numbers, (1, *shape))
    args, kwargs = keras.tree.map_structure(
        lambda leaf: probe if isinstance(leaf, keras.KerasTensor) else leaf,
        (call.args, call.kwargs),
    )
    moved = keras.ops.convert_to_numpy(call.operation(*args, **kwargs))
    moved = moved.reshape(-1, moved.shape[-1])
    source = moved.max(axis=0)
    if not np.all((moved == source) | (moved == 0)):
        return None
    return source - 1
