"""Affine Keras layers as chains of NIR nodes."""

import types
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from tfsnn.graph.view import Call
from tfsnn.layers import ChannelAffine, RepeatTime

from .nir_kernels import (
    Kernel,
    channels_first,
    channelwise,
    depthwise_first,
    flat_order,
    placed,
    same_padding,
    ungrouped,
    with_symmetric_padding,
)

layers = keras.layers
IDENTITIES = (
    layers.Dropout,
    layers.Identity,
    layers.InputLayer,
    layers.SpatialDropout2D,
    RepeatTime,
)


class NirLayers:
    """Makes nodes of a version of the package `nir`."""

    def __init__(self, nir: types.ModuleType):
        """Keeps the package."""
        self._nir = nir

    def nodes(self, call: Call, flattened: tuple | None) -> list[Any]:
        """The nodes that stand for a call, in order.

        Args:
            call: A call with one input.
            flattened: Shape of the input before it was flattened, if so.

        Returns:
            Nodes; none for an identity.

        Raises:
            ValueError: If there are no such nodes, with the reason.
        """
        layer = call.operation
        if isinstance(layer, IDENTITIES):
            return []
        if getattr(layer, "data_format", None) == "channels_first":
            raise ValueError("its channels come first")
        make = self._maker(call)
        if make is None:
            raise ValueError("NIR has no primitive for it")
        shape = tuple(call.input_tensors[0].shape[1:])
        if None in shape:
            raise ValueError(f"its input {shape} has unknown axes")
        return make(call, shape, flattened)

    def _maker(self, call: Call) -> Callable | None:
        table = {
            layers.Conv2D: self._conv,
            layers.DepthwiseConv2D: self._depthwise,
            layers.Dense: self._dense,
            layers.AveragePooling2D: self._average,
            layers.GlobalAveragePooling2D: self._global_average,
            layers.MaxPooling2D: self._every_nth,
            layers.Normalization: self._normalization,
            layers.ZeroPadding2D: self._zeros,
            layers.Flatten: self._flatten,
            ChannelAffine: self._channel_affine,
        }
        if call.kind == "Pad":
            return self._pad
        return table.get(type(call.operation))

    def conv(self, kernel: Kernel, size: tuple[int, int]) -> Any:
        """A `Conv2d` node for a feature map of a size."""
        kernel = ungrouped(kernel)
        return self._nir.Conv2d(
            input_shape=tuple(map(int, size)),
            weight=kernel.weight,
            stride=kernel.stride,
            padding=kernel.padding,
            dilation=kernel.dilation,
            groups=kernel.groups,
            bias=kernel.bias,
        )

    def channels(
        self, scale: np.ndarray, offset: np.ndarray, shape: tuple[int, ...]
    ) -> Any:
        """A node that scales and shifts channels of a map or a vector."""
        if len(shape) == 3:
            return self.conv(channelwise(scale, offset), shape[:2])
        return self._nir.Affine(
            np.diag(scale).astype("float32"), np.asarray(offset, "float32")
        )

    def _padded(self, layer, kernel: Kernel, size) -> Kernel:
        if layer.padding == "valid":
            return kernel
        before, after = same_padding(
            size, kernel.weight.shape[2:], kernel.stride, kernel.dilation
        )
        return with_symmetric_padding(kernel, before, after)

    def _conv(self, call, shape, flattened):
        layer = call.operation
        weight = channels_first(_value(layer.kernel))
        kernel = Kernel(
            weight,
            _bias(layer, len(weight)),
            stride=tuple(layer.strides),
            dilation=tuple(layer.dilation_rate),
            groups=layer.groups,
        )
        kernel = self._padded(layer, kernel, shape[:2])
        return [self.conv(kernel, shape[:2])]

    def _depthwise(self, call, shape, flattened):
        layer = call.operation
        weight = depthwise_first(_value(layer.kernel))
        kernel = Kernel(
            weight,
            _bias(layer, len(weight)),
            stride=tuple(layer.strides),
            dilation=tuple(layer.dilation_rate),
            groups=shape[-1],
        )
        kernel = self._padded(layer, kernel, shape[:2])
        return [self.conv(kernel, shape[:2])]

    def _dense(self, call, shape, flattened):
        layer = call.operation
        weight = _value(layer.kernel)
        bias = _bias(layer, weight.shape[1])
        if len(shape) == 3:
            kernel = Kernel(channels_first(weight[None, None]), bias)
            return [self.conv(kernel, shape[:2])]
        if flattened is not None:
            weight = weight[flat_order(flattened)]
        return [self._nir.Affine(weight.T.astype("float32"), bias)]

    def _average(self, call, shape, flattened):
        layer = call.operation
        if layer.padding != "valid":
            raise ValueError(
                "it leaves the padding out of the mean (padding='same')"
            )
        return self._sum_pool(layer.pool_size, layer.strides, call)

    def _global_average(self, call, shape, flattened):
        nodes = self._sum_pool(shape[:2], shape[:2], call, (1, 1, shape[2]))
        if len(call.output_tensors[0].shape) == 4:
            return nodes
        flat = self._nir.Flatten({"input": np.array([shape[2], 1, 1])}, 0, -1)
        return [*nodes, flat]

    def _sum_pool(self, window, stride, call, output=None):
        """A sum, then its share: not every reader has a mean."""
        shape = output or tuple(call.output_tensors[0].shape[1:])
        share = np.full(shape[-1], 1 / np.prod(window), "float32")
        pool = self._nir.SumPool2d(
            kernel_size=np.array(window),
            stride=np.array(stride),
            padding=np.array((0, 0)),
        )
        return [pool, self.channels(share, 0 * share, shape)]

    def _every_nth(self, call, shape, flattened):
        layer = call.operation
        if tuple(layer.pool_size) != (1, 1):
            raise ValueError("NIR has no maximum of spikes")
        ones = np.ones(shape[-1], "float32")
        kernel = channelwise(ones, 0 * ones, stride=tuple(layer.strides))
        return [self.conv(kernel, shape[:2])]

    def _normalization(self, call, shape, flattened):
        layer = call.operation
        mean = np.asarray(layer.mean, "float64").reshape(-1)
        deviation = np.sqrt(np.asarray(layer.variance, "float64").reshape(-1))
        scale = 1 / np.maximum(deviation, keras.config.epsilon())
        if layer.invert or mean.size not in (1, shape[-1]):
            raise ValueError("it does not normalise channels")
        scale, mean = (np.broadcast_to(v, shape[-1:]) for v in (scale, mean))
        return [self.channels(scale, -mean * scale, shape)]

    def _channel_affine(self, call, shape, flattened):
        scale, *offset = call.operation.get_weights()
        offset = offset[0] if offset else np.zeros_like(scale)
        return [self.channels(scale, offset, shape)]

    def _zeros(self, call, shape, flattened):
        (top, bottom), (left, right) = call.operation.padding
        ones = np.ones(shape[-1], "float32")
        kernel = with_symmetric_padding(
            channelwise(ones, 0 * ones), (top, left), (bottom, right)
        )
        return [self.conv(kernel, shape[:2])]

    def _pad(self, call, shape, flattened):
        widths = call.operation.pad_width
        *others, (before, after) = widths
        if np.any(others) or len(shape) != 3:
            raise ValueError("it pads more than channels")
        kernel = placed(shape[-1], before + shape[-1] + after, before)
        return [self.conv(kernel, shape[:2])]

    def _flatten(self, call, shape, flattened):
        if len(shape) == 1:
            return []
        height, width, channels = shape
        first = {"input": np.array([channels, height, width])}
        return [self._nir.Flatten(first, 0, -1)]


def _value(variable) -> np.ndarray:
    return keras.ops.convert_to_numpy(variable)


def _bias(layer, size: int) -> np.ndarray:
    if layer.use_bias:
        return _value(layer.bias).astype("float32")
    return np.zeros(size, "float32")
