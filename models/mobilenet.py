"""MobileNet V1 of Howard et al. (2017)."""

import keras

from .blocks import (
    check_width,
    classifier,
    convolution,
    depthwise,
    image_input,
    relu,
    scaled,
)

STEM = 32
BLOCKS = (
    (64, 1),
    (128, 2),
    (128, 1),
    (256, 2),
    (256, 1),
    (512, 2),
    *[(512, 1)] * 5,
    (1024, 2),
    (1024, 1),
)
"""Channels and stride of each depthwise separable block."""


def mobilenet(
    *,
    blocks: tuple[tuple[int, int], ...] = BLOCKS,
    stem_strides: int = 2,
    input_shape: tuple[int, int, int] = (224, 224, 3),
    num_classes: int = 1000,
    width_multiplier: float = 1.0,
    batch_norm: bool = True,
    pixel_mean: tuple[float, ...] | None = None,
    pixel_std: tuple[float, ...] | None = None,
    name: str = "mobilenet",
) -> keras.Model:
    """Builds MobileNet V1: depthwise and pointwise convolutions, each a ReLU.

    Args:
        blocks: Channels and stride of each block.
        stem_strides: Stride of the first convolution; 1 in the CIFAR form (Li
            et al., 2021, appendix C.2).
        input_shape: `(H, W, C)` of one image.
        num_classes: Number of logits.
        width_multiplier: Factor of all channels, the paper's alpha.
        batch_norm: Whether convolutions have batch norm instead of a bias.
        pixel_mean: As in `vgg16`.
        pixel_std: As in `vgg16`.
        name: Model name.

    Returns:
        `keras.Model`, images `[B, H, W, C]` to logits `[B, num_classes]`.

    Raises:
        ValueError: If the width multiplier is not above 0, or one of
            `pixel_mean` and `pixel_std` is given without the other.

    References:
        Howard et al., MobileNets: Efficient Convolutional Neural Networks for
        Mobile Vision Applications, 2017, arXiv:1704.04861, Table 1.
    """
    check_width(width_multiplier)
    image, x = image_input(input_shape, pixel_mean, pixel_std)
    x = convolution(
        x,
        scaled(STEM, width_multiplier),
        kernel_size=3,
        strides=stem_strides,
        name="stem",
        batch_norm=batch_norm,
    )
    x = relu(x, "stem")
    for number, (channels, strides) in enumerate(blocks, start=1):
        unit = f"block{number}_depthwise"
        x = depthwise(x, name=unit, batch_norm=batch_norm, strides=strides)
        x = relu(x, unit)
        unit = f"block{number}_pointwise"
        x = convolution(
            x,
            scaled(channels, width_multiplier),
            kernel_size=1,
            name=unit,
            batch_norm=batch_norm,
        )
        x = relu(x, unit)
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(image, classifier(x, num_classes), name=name)


def mobilenet_cifar(
    *,
    input_shape: tuple[int, int, int] = (32, 32, 3),
    num_classes: int = 10,
    stem_strides: int = 1,
    name: str = "mobilenet_cifar",
    **options,
) -> keras.Model:
    """Builds the CIFAR form of `mobilenet`: no stride in the stem.

    Args:
        input_shape: As in `mobilenet`.
        num_classes: As in `mobilenet`.
        stem_strides: As in `mobilenet`.
        name: Model name.
        **options: Other arguments of `mobilenet`.

    Returns:
        As `mobilenet`.
    """
    return mobilenet(
        input_shape=input_shape,
        num_classes=num_classes,
        stem_strides=stem_strides,
        name=name,
        **options,
    )
