"""Weights of Keras layers as those of NIR: channels first, kernels explicit.

Everything affine and local becomes a convolution `[O, I/groups, kH, kW]` with
symmetric padding, which every reader of NIR knows.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np


@dataclasses.dataclass(frozen=True, eq=False)
class Kernel:
    """A convolution in NIR's terms.

    Attributes:
        weight: `[O, I / groups, kH, kW]`.
        bias: `[O]`.
        stride: Rows and columns.
        padding: Zeros before and after rows, and columns.
        dilation: Rows and columns.
        groups: Number of groups of channels.
    """

    weight: np.ndarray
    bias: np.ndarray
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1


def channelwise(
    scale: np.ndarray,
    offset: np.ndarray,
    *,
    stride: tuple[int, int] = (1, 1),
) -> Kernel:
    """`y = scale * x + offset` for each channel.

    Args:
        scale: `[C]`.
        offset: `[C]`.
        stride: Keeps every n-th row and column.

    Returns:
        A depthwise convolution with windows of one value.
    """
    weight = np.asarray(scale, "float32").reshape(-1, 1, 1, 1)
    return Kernel(
        weight,
        np.asarray(offset, "float32"),
        stride=stride,
        groups=len(weight),
    )


def placed(channels: int, total: int, start: int) -> Kernel:
    """Copies channels to a place among more channels, zeros elsewhere.

    Args:
        channels: Number of channels that come in.
        total: Number of channels that go out.
        start: Where the first one goes.

    Returns:
        A convolution with windows of one value.
    """
    weight = np.zeros((total, channels, 1, 1), "float32")
    rows = np.arange(channels)
    weight[start + rows, rows] = 1
    return Kernel(weight, np.zeros(total, "float32"))


def ungrouped(kernel: Kernel) -> Kernel:
    """The same convolution in one group, with zeros between the groups.

    The package `nir` from 1.0.5 on takes the channels of one group for those
    of the feature map, and refuses the graph.

    Args:
        kernel: A convolution.

    Returns:
        A convolution with the same outputs.
    """
    if kernel.groups == 1:
        return kernel
    outputs, inputs, *window = kernel.weight.shape
    weight = np.zeros((outputs, inputs * kernel.groups, *window), "float32")
    each = outputs // kernel.groups
    for group in range(kernel.groups):
        rows = slice(group * each, (group + 1) * each)
        columns = slice(group * inputs, (group + 1) * inputs)
        weight[rows, columns] = kernel.weight[rows]
    return dataclasses.replace(kernel, weight=weight, groups=1)


def channels_first(kernel: np.ndarray) -> np.ndarray:
    """A kernel `[kH, kW, I / groups, O]` as `[O, I / groups, kH, kW]`."""
    return np.transpose(kernel, (3, 2, 0, 1)).astype("float32")


def depthwise_first(kernel: np.ndarray) -> np.ndarray:
    """A depthwise kernel `[kH, kW, C, m]` as `[C * m, 1, kH, kW]`."""
    moved = np.transpose(kernel, (2, 3, 0, 1)).astype("float32")
    return moved.reshape(-1, 1, *moved.shape[2:])


def with_symmetric_padding(
    kernel: Kernel, before: Sequence[int], after: Sequence[int]
) -> Kernel:
    """The same convolution with as many zeros before as after.

    TensorFlow pads one more row after an image than before it where a stride
    demands it; NIR has one number. The smaller side gets more padding, and the
    kernel rows of zeros that read it.

    Args:
        kernel: A convolution without padding.
        before: Zeros before rows and columns.
        after: Zeros after rows and columns.

    Returns:
        A convolution with the same outputs.

    Raises:
        ValueError: If padding differs and the kernel is dilated.
    """
    padding = tuple(map(max, before, after))
    front = [p - b for p, b in zip(padding, before, strict=True)]
    back = [p - a for p, a in zip(padding, after, strict=True)]
    for extra, step in zip(
        zip(front, back, strict=True), kernel.dilation, strict=True
    ):
        if any(extra) and step != 1:
            raise ValueError(
                f"padding {tuple(before)} before and {tuple(after)} after with"
                f" dilation {kernel.dilation}. Supported: equal padding where a"
                " kernel is dilated."
            )
    wide = [(0, 0), (0, 0), *zip(front, back, strict=True)]
    weight = np.pad(kernel.weight, wide)
    return dataclasses.replace(kernel, weight=weight, padding=padding)


def same_padding(
    size: Sequence[int],
    window: Sequence[int],
    stride: Sequence[int],
    dilation: Sequence[int],
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """TensorFlow's `"same"`: zeros before and after, for rows and columns.

    Args:
        size: Of the feature map.
        window: Of the kernel.
        stride: Of the windows.
        dilation: Of the kernel.

    Returns:
        Zeros before, zeros after.
    """
    total = [
        max((-(-n // s) - 1) * s + (k - 1) * d + 1 - n, 0)
        for n, k, s, d in zip(size, window, stride, dilation, strict=True)
    ]
    before = tuple(t // 2 for t in total)
    return before, tuple(t - b for t, b in zip(total, before, strict=True))


def flat_order(shape: Sequence[int]) -> np.ndarray:
    """Where each value of a channels-first vector is in a channels-last one.

    Args:
        shape: `(H, W, C)` before flattening.

    Returns:
        `[C * H * W]` indices into the vector `[H * W * C]`.
    """
    places = np.arange(np.prod(shape)).reshape(shape)
    return np.transpose(places, (2, 0, 1)).ravel()
