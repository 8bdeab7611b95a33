"""Residual networks with a deep stem: ResNet-34 and the wide ResNet-20."""

import keras

from .blocks import (
    check_width,
    classifier,
    convolution,
    image_input,
    relu,
    scaled,
)

WIDTH = 64
"""Channels of the first stage; each stage has twice as many."""


def deep_stem_resnet(
    *,
    depths: tuple[int, ...],
    stem: str = "deep",
    input_shape: tuple[int, int, int] = (224, 224, 3),
    num_classes: int = 1000,
    width_multiplier: float = 1.0,
    batch_norm: bool = True,
    pixel_mean: tuple[float, ...] | None = None,
    pixel_std: tuple[float, ...] | None = None,
    name: str = "resnet",
) -> keras.Model:
    """Builds a residual network of basic blocks with projection shortcuts.

    Args:
        depths: Blocks of each stage; all stages but the first halve the
            feature map.
        stem: `"deep"`: three 3x3 convolutions with 32, 32 and 64 channels, the
            first of stride 2, and a 2x2 average pooling (ResNet-C of He et
            al., 2019, with the pooling of Li et al., 2021, appendix B);
            `"plain"`: one 7x7 of stride 2, and the pooling, as in ResNet-34;
            `"cifar"`: three 3x3 with 64 channels, no stride, and the pooling.
        input_shape: `(H, W, C)` of one image.
        num_classes: Number of logits.
        width_multiplier: Factor of all channels.
        batch_norm: Whether convolutions have batch norm instead of a bias.
        pixel_mean: As in `vgg16`.
        pixel_std: As in `vgg16`.
        name: Model name.

    Returns:
        `keras.Model`, images `[B, H, W, C]` to logits `[B, num_classes]`.

    Raises:
        ValueError: If the stem is unknown, a depth or the width multiplier is
            out of range, or one of `pixel_mean` and `pixel_std` is given
            without the other.

    References:
        He, Zhang, Ren, Sun, Deep Residual Learning for Image Recognition,
        CVPR 2016, arXiv:1512.03385, Table 1; He et al., Bag of Tricks for
        Image Classification with CNNs, CVPR 2019, arXiv:1812.01187, Figure 2.
    """
    check_width(width_multiplier)
    if not depths or min(depths) < 1:
        raise ValueError(
            f"depths={depths}. Supported: at least one block in each stage."
            " Use (3, 4, 6, 3) for ResNet-34."
        )
    image, x = image_input(input_shape, pixel_mean, pixel_std)
    x = _stem(x, stem, width_multiplier, batch_norm)
    for stage, depth in enumerate(depths):
        for block in range(depth):
            x = _basic_block(
                x,
                scaled(WIDTH * 2**stage, width_multiplier),
                strides=2 if stage and not block else 1,
                batch_norm=batch_norm,
                name=f"stage{stage + 1}_block{block + 1}",
            )
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(image, classifier(x, num_classes), name=name)


def resnet34(
    *,
    depths: tuple[int, ...] = (3, 4, 6, 3),
    name: str = "resnet34",
    **options,
) -> keras.Model:
    """Builds the paper's ResNet-34 for ImageNet, with a deep stem.

    Args:
        depths: As in `deep_stem_resnet`.
        name: Model name.
        **options: Other arguments of `deep_stem_resnet`.

    Returns:
        As `deep_stem_resnet`.
    """
    return deep_stem_resnet(depths=depths, name=name, **options)


def wide_resnet20(
    *,
    depths: tuple[int, ...] = (2, 2, 2, 2),
    input_shape: tuple[int, int, int] = (32, 32, 3),
    num_classes: int = 10,
    name: str = "resnet20_wide",
    **options,
) -> keras.Model:
    """Builds the modified ResNet-20 of the conversion literature.

    Four stages with 64 to 512 channels behind a stem of three convolutions: 20
    weighted layers, 40 times the parameters of He et al.'s.

    Args:
        depths: As in `deep_stem_resnet`.
        input_shape: `(H, W, C)` of one image.
        num_classes: Number of logits.
        name: Model name.
        **options: Other arguments of `deep_stem_resnet`.

    Returns:
        As `deep_stem_resnet`.

    References:
        Li et al., A Free Lunch From ANN, ICML 2021, appendix C.2; Han,
        Srinivasan, Roy, RMP-SNN, CVPR 2020, arXiv:2003.01811.
    """
    return deep_stem_resnet(
        depths=depths,
        stem="cifar",
        input_shape=input_shape,
        num_classes=num_classes,
        name=name,
        **options,
    )


# Kernel size, channels and stride of each convolution; a pooling follows.
STEMS = {
    "deep": ((3, 32, 2), (3, 32, 1), (3, 64, 1)),
    "plain": ((7, 64, 2),),
    "cifar": ((3, 64, 1), (3, 64, 1), (3, 64, 1)),
}


def _stem(x, stem, width_multiplier, batch_norm):
    if stem not in STEMS:
        raise ValueError(
            f"stem='{stem}'. Supported: {', '.join(STEMS)}. Use 'deep' for"
            " ImageNet and 'cifar' for small images."
        )
    for number, (size, channels, strides) in enumerate(STEMS[stem], start=1):
        x = convolution(
            x,
            scaled(channels, width_multiplier),
            kernel_size=size,
            strides=strides,
            name=f"stem{number}",
            batch_norm=batch_norm,
        )
        x = relu(x, f"stem{number}")
    return keras.layers.AveragePooling2D(2, name="stem_pool")(x)


def _basic_block(x, filters, *, strides, batch_norm, name):
    """Two 3x3 convolutions; a 1x1 where the shortcut does not fit."""
    shortcut = x
    options = {"batch_norm": batch_norm}
    x = convolution(
        x, filters, kernel_size=3, strides=strides, name=f"{name}_1", **options
    )
    x = relu(x, f"{name}_1")
    x = convolution(x, filters, kernel_size=3, name=f"{name}_2", **options)
    if strides != 1 or shortcut.shape[-1] != filters:
        shortcut = convolution(
            shortcut,
            filters,
            kernel_size=1,
            strides=strides,
            name=f"{name}_shortcut",
            **options,
        )
    x = keras.layers.Add(name=f"{name}_add")([x, shortcut])
    return relu(x, f"{name}_2")
