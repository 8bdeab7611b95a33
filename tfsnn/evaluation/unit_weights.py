"""Calls of a network with all their weights 1: they count connections."""

import math

import keras
import tensorflow as tf

from tfsnn.conversion.rules import KERNEL_LAYERS
from tfsnn.conversion.single_step import applied
from tfsnn.graph.passes.kernel_layers import acts_as
from tfsnn.graph.passes.max_pools import average_of
from tfsnn.graph.view import Call
from tfsnn.layers import ChannelAffine, SpikingMaxPooling

SEPARABLE = (keras.layers.SeparableConv1D, keras.layers.SeparableConv2D)
POOLS = (
    keras.layers.AveragePooling1D,
    keras.layers.AveragePooling2D,
    keras.layers.AveragePooling3D,
)
GLOBAL_POOLS = (
    keras.layers.GlobalAveragePooling1D,
    keras.layers.GlobalAveragePooling2D,
    keras.layers.GlobalAveragePooling3D,
)
SCALES = (
    ChannelAffine,
    keras.layers.BatchNormalization,
    keras.layers.Rescaling,
    keras.layers.Normalization,
)
SUMS = (keras.layers.Add, keras.layers.Average, keras.layers.Subtract)
SUM_OPERATIONS = ("Add", "Subtract")
SCALE_OPERATIONS = ("Negative", "Multiply", "Divide", "TrueDivide")


def is_kernel(call: Call) -> bool:
    """Whether a call multiplies by a kernel."""
    return acts_as(call.operation, *KERNEL_LAYERS)


def kernel_stages(call: Call, inputs: tf.Tensor) -> list[tf.Tensor]:
    """Connections that reach each output of a kernel.

    Args:
        call: A call with a kernel.
        inputs: `[1, ...]`, how often each input is read: ones, for all its
            connections.

    Returns:
        One float32 tensor a kernel, whose sum is the number of connections
        from the inputs; only a separable convolution has a second one, which
        starts from ones, because its inputs are not those of the call.
    """
    layer = call.operation
    if not acts_as(layer, *SEPARABLE):
        return [_with_ones(layer, inputs)(inputs)]
    copy = _with_ones(layer, inputs)
    depthwise, pointwise, *_ = copy.weights
    # One output alone adds up what the first kernel makes.
    first = tf.one_hot(0, pointwise.shape[-1]) * tf.ones(pointwise.shape)
    pointwise.assign(first)
    outputs = copy(inputs)[..., :1]
    positions = math.prod(outputs.shape[1:-1])
    second = tf.fill([1, positions], float(math.prod(pointwise.shape)))
    return [outputs, second]


def _with_ones(layer, inputs):
    config = {**layer.get_config(), "dtype": "float32"}
    if "activation" in config:
        config["activation"] = "linear"
    copy = type(layer).from_config(config)
    copy.build(inputs.shape)
    biases = {id(getattr(copy, "bias", None))}
    for variable in copy.weights:
        one = 0.0 if id(variable) in biases else 1.0
        variable.assign(tf.fill(variable.shape, one))
    return copy


def passed_on(call: Call, values: dict[int, tf.Tensor]) -> tf.Tensor:
    """What a call without a kernel makes of counts: sums, copies, zeros.

    Args:
        call: A call that is affine and has no kernel.
        values: Id of each of its inputs to `[1, ...]`.

    Returns:
        `[1, ...]`: of each output, how many inputs it is made from. Of max
        pooling all in its window, so what comes behind it is counted for every
        spike that it may pass on, which is an upper bound.
    """
    operation = call.operation
    if isinstance(operation, SpikingMaxPooling):
        operation = average_of(operation.pool, dtype="float32")
    inputs = [values[id(tensor)] for tensor in call.input_tensors]
    if acts_as(operation, *SUMS) or call.kind in SUM_OPERATIONS:
        return _broadcast(sum(inputs), call)
    if acts_as(operation, *SCALES) or call.kind in SCALE_OPERATIONS:
        return _broadcast(inputs[0], call)
    if acts_as(operation, *POOLS):
        return _sum_pool(operation, inputs[0])
    if acts_as(operation, *GLOBAL_POOLS):
        outputs = operation(inputs[0])
    else:
        outputs = applied(call, lambda tensor: values[id(tensor)])
    if acts_as(operation, *GLOBAL_POOLS) or call.kind == "Mean":
        ratio = math.prod(inputs[0].shape) / math.prod(outputs.shape)
        return outputs * ratio
    return outputs


def _broadcast(value, call):
    return tf.broadcast_to(value, [1, *call.outputs.shape[1:]])


def _sum_pool(layer, inputs):
    """Sums over windows; a mean leaves the padding out of its divisor."""
    means = layer(inputs)
    return means * (_size(layer, tf.ones_like(inputs)))


def _size(layer, ones):
    """Positions in each window of a pool."""
    whole = math.prod(layer.pool_size)
    if layer.padding == "valid":
        return float(whole)
    spatial = list(ones.shape[1:-1])
    if layer.data_format == "channels_first":
        spatial = list(ones.shape[2:])
    size = tf.ones([])
    for axis, length in enumerate(spatial):
        counts = _lengths(length, layer.pool_size[axis], layer.strides[axis])
        shape = [1] * len(ones.shape)
        offset = 2 if layer.data_format == "channels_first" else 1
        shape[offset + axis] = len(counts)
        size *= tf.reshape(tf.constant(counts, "float32"), shape)
    return size


def _lengths(length, size, stride):
    """Positions of each window along one axis with padding "same"."""
    number = -(-length // stride)
    before = max((number - 1) * stride + size - length, 0) // 2
    starts = [index * stride - before for index in range(number)]
    return [min(s + size, length) - max(s, 0) for s in starts]
