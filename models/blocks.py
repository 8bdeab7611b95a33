"""What the networks of the zoo are built from.

Padding is the same on all sides, also in front of a stride, as in PyTorch, so
that weights trained there give the same outputs here.
"""

import math
import numbers
from collections.abc import Sequence

import keras


def image_input(
    input_shape: tuple[int, int, int],
    pixel_mean: Sequence[float] | None,
    pixel_std: Sequence[float] | None,
) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """The input of a network, normalised inside it if asked.

    Args:
        input_shape: `(H, W, C)` of one image.
        pixel_mean: Mean of each channel, `[C]`, in the units of the images;
            None: the images come normalised.
        pixel_std: Standard deviation of each channel, `[C]`, same units.

    Returns:
        The input tensor, and what the first layer reads.

    Raises:
        ValueError: If the shape has other than three axes, one of mean and
            deviation is given without the other, or they are not one finite
            number a channel, deviations above 0.
    """
    if len(input_shape) != 3:
        raise ValueError(
            f"input_shape={tuple(input_shape)}. Supported: height, width and"
            " channels of one image. Use (32, 32, 3), for example."
        )
    if (pixel_mean is None) != (pixel_std is None):
        raise ValueError(
            f"pixel_mean={pixel_mean} and pixel_std={pixel_std}: one without"
            " the other. Give both, or neither."
        )
    image = keras.Input(input_shape, name="image")
    if pixel_mean is None:
        return image, image
    _check_pixels(input_shape[-1], pixel_mean, pixel_std)
    layer = keras.layers.Normalization(
        mean=list(pixel_mean),
        variance=[std**2 for std in pixel_std],
        name="normalization",
    )
    return image, layer(image)


def scaled(channels: int, width_multiplier: float) -> int:
    """Channels of a thinner or wider layer, at least one.

    Args:
        channels: Channels at multiplier 1.
        width_multiplier: Above 0.

    Returns:
        The whole part of the product, as Howard et al. (2017) thin a network.
    """
    return max(1, int(channels * width_multiplier))


def check_width(width_multiplier: float) -> None:
    """Raises unless a width multiplier is a finite number above 0.

    Args:
        width_multiplier: Factor of all channels.

    Raises:
        ValueError: If it is not.
    """
    is_number = isinstance(width_multiplier, numbers.Real)
    if not is_number or not 0 < width_multiplier < math.inf:
        raise ValueError(
            f"width_multiplier={width_multiplier!r}. Supported: finite numbers"
            " above 0. Use 1.0 for the published network."
        )


def convolution(
    x: keras.KerasTensor,
    filters: int,
    *,
    kernel_size: int,
    name: str,
    batch_norm: bool,
    strides: int = 1,
    groups: int = 1,
) -> keras.KerasTensor:
    """A convolution, and its batch norm or bias.

    Args:
        x: Feature map `[B, H, W, C]`.
        filters: Channels after it.
        kernel_size: Rows and columns of the kernel, odd.
        name: Layers are called `name_conv` and `name_bn`.
        batch_norm: Whether batch normalisation takes the place of the bias.
        strides: Rows and columns between two outputs.
        groups: Groups that channels are divided into.

    Returns:
        Feature map `[B, H / strides, W / strides, filters]`.
    """
    x = _padded(x, kernel_size, strides, name)
    x = keras.layers.Conv2D(
        filters,
        kernel_size,
        strides=strides,
        groups=groups,
        padding="valid" if strides > 1 else "same",
        use_bias=not batch_norm,
        kernel_initializer="he_normal",
        name=f"{name}_conv",
    )(x)
    return _normalised(x, batch_norm, name)


def depthwise(
    x: keras.KerasTensor, *, name: str, batch_norm: bool, strides: int = 1
) -> keras.KerasTensor:
    """A 3x3 depthwise convolution, and its batch norm or bias.

    Args:
        x: Feature map `[B, H, W, C]`.
        name: Layers are called `name_conv` and `name_bn`.
        batch_norm: Whether batch normalisation takes the place of the bias.
        strides: Rows and columns between two outputs.

    Returns:
        Feature map `[B, H / strides, W / strides, C]`.
    """
    x = _padded(x, 3, strides, name)
    x = keras.layers.DepthwiseConv2D(
        3,
        strides=strides,
        padding="valid" if strides > 1 else "same",
        use_bias=not batch_norm,
        depthwise_initializer="he_normal",
        name=f"{name}_conv",
    )(x)
    return _normalised(x, batch_norm, name)


def relu(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    """A ReLU layer called `name_relu`."""
    return keras.layers.ReLU(name=f"{name}_relu")(x)


def classifier(
    x: keras.KerasTensor, num_classes: int, *, name: str = "logits"
) -> keras.KerasTensor:
    """A linear layer without softmax.

    Args:
        x: Features `[B, C]`.
        num_classes: Number of logits.
        name: Of the layer.

    Returns:
        Logits `[B, num_classes]`.

    Raises:
        ValueError: If the number of logits is no whole number above 0.
    """
    if not isinstance(num_classes, numbers.Integral) or num_classes < 1:
        raise ValueError(
            f"num_classes={num_classes!r}. Supported: whole numbers from 1. Use"
            " the number of labels."
        )
    return keras.layers.Dense(
        num_classes, kernel_initializer="he_normal", name=name
    )(x)


def _check_pixels(channels, mean, std) -> None:
    values = [*mean, *std]
    if (
        len(mean) != channels
        or len(std) != channels
        or not all(map(math.isfinite, values))
        or min(std) <= 0
    ):
        raise ValueError(
            f"pixel_mean={tuple(mean)} and pixel_std={tuple(std)} for images of"
            f" {channels} channels. Supported: one finite number a channel,"
            " deviations above 0. Give those of the training images."
        )


def _padded(x, kernel_size, strides, name):
    if strides == 1 or kernel_size == 1:
        return x
    return keras.layers.ZeroPadding2D(kernel_size // 2, name=f"{name}_pad")(x)


def _normalised(x, batch_norm, name):
    if not batch_norm:
        return x
    return keras.layers.BatchNormalization(
        momentum=0.9, epsilon=1e-5, name=f"{name}_bn"
    )(x)
