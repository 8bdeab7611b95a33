"""What the passes know about Keras layers with kernels."""

from typing import NamedTuple

import keras
import numpy as np

from tfsnn.numerics import (
    KernelLayout,
    fold_into_consumer,
    fold_into_producer,
)

# Kinds of `KernelLayout`, one for each kernel, in the order they are applied.
_KINDS = {
    keras.layers.Dense: ("dense",),
    keras.layers.Conv1D: ("convolution",),
    keras.layers.Conv2D: ("convolution",),
    keras.layers.Conv3D: ("convolution",),
    keras.layers.Conv1DTranspose: ("transposed",),
    keras.layers.Conv2DTranspose: ("transposed",),
    keras.layers.Conv3DTranspose: ("transposed",),
    keras.layers.DepthwiseConv1D: ("depthwise",),
    keras.layers.DepthwiseConv2D: ("depthwise",),
    keras.layers.SeparableConv1D: ("depthwise", "convolution"),
    keras.layers.SeparableConv2D: ("depthwise", "convolution"),
}
KERNEL_CLASSES = tuple(_KINDS)
_COMPUTATION = ("call", "convolution_op", "kernel", "transform_images")


class Affine(NamedTuple):
    """y = scale * x + shift by channel; scale and shift `[C]`, float64."""

    scale: np.ndarray
    shift: np.ndarray

    def then(self, after: "Affine") -> "Affine":
        """Both in one, this one first."""
        return Affine(
            self.scale * after.scale, self.shift * after.scale + after.shift
        )


def acts_as(operation: keras.Operation, *classes: type) -> bool:
    """Whether an operation computes what one of these Keras classes does.

    A subclass does unless it overrides the computation itself, as a weight-
    standardised convolution would.
    """
    return any(
        isinstance(operation, cls)
        and all(
            getattr(type(operation), name, None) is getattr(cls, name, None)
            for name in _COMPUTATION
        )
        for cls in classes
    )


def kernel_layouts(operation: keras.Operation) -> tuple[KernelLayout, ...]:
    """Layout of each kernel, in the order they are applied.

    Empty where kernels cannot be folded into: other layers, and layers with
    more weights than kernels and a bias (low-rank adapters, quantised ones).
    """
    for cls, kinds in _KINDS.items():
        if acts_as(operation, cls):
            if len(operation.weights) != len(kinds) + operation.use_bias:
                return ()
            return tuple(
                KernelLayout(kind, _groups(operation, kind)) for kind in kinds
            )
    return ()


def _groups(layer, kind):
    if kind != "convolution":
        return 1
    # The second kernel of a separable convolution has no groups.
    return 1 if hasattr(layer, "depth_multiplier") else layer.groups


def channel_axis(layer: keras.Layer, rank: int) -> int:
    """Axis of the channels in the tensors a kernel layer reads and makes."""
    first = getattr(layer, "data_format", None) == "channels_first"
    return 1 if first else rank - 1


def sees_all_taps(layer: keras.Layer) -> bool:
    """Whether every output of a kernel layer comes from its whole kernel.

    So for dense layers and unpadded convolutions: these answer to a constant
    input with a constant output.
    """
    if acts_as(layer, keras.layers.Dense):
        return True
    transposed = any(
        layout.kind == "transposed" for layout in kernel_layouts(layer)
    )
    return layer.padding == "valid" and not transposed


def folded_weights(
    layer: keras.Layer, *, before: Affine | None, after: Affine | None
) -> list[np.ndarray]:
    """Weights of a kernel layer with an affine map on either side in it.

    Args:
        layer: A layer with `kernel_layouts` and a linear activation (the
            activation does not matter if `after` is None).
        before: Map of its input channels, `[Cin]`, or None. Its shift must be
            0 unless `sees_all_taps`.
        after: Map of its output channels, `[Cout]`, or None.

    Returns:
        Weights of the same layer with `use_bias=True`.
    """
    layouts = kernel_layouts(layer)
    weights = layer.get_weights()
    bias = weights[-1] if layer.use_bias else None
    kernels = weights[: len(layouts)]
    last = len(kernels) - 1
    if before is not None:
        scale, shift = before
        for i, layout in enumerate(layouts):
            kernels[i], shift = fold_into_consumer(
                kernels[i],
                bias if i == last else None,
                scale,
                shift,
                layout=layout,
            )
            scale = 1.0
        bias = shift
    if after is not None:
        kernels[last], bias = fold_into_producer(
            kernels[last], bias, after.scale, after.shift, layout=layouts[last]
        )
    return [*kernels, bias]
