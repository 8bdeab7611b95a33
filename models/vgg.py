"""VGG-16 of Simonyan and Zisserman (2015), with average pooling."""

import keras

from .blocks import (
    check_width,
    classifier,
    convolution,
    image_input,
    relu,
    scaled,
)

STAGES = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
"""Channels and number of convolutions between two poolings."""
HIDDEN_DROPOUT = 0.5


def vgg16(
    *,
    input_shape: tuple[int, int, int] = (32, 32, 3),
    num_classes: int = 10,
    width_multiplier: float = 1.0,
    batch_norm: bool = True,
    hidden: tuple[int, ...] = (),
    pixel_mean: tuple[float, ...] | None = None,
    pixel_std: tuple[float, ...] | None = None,
    name: str = "vgg16",
) -> keras.Model:
    """Builds VGG-16: 13 convolutions, five 2x2 average poolings, classifier.

    In place of maximum pooling there is average pooling (Li et al., 2021,
    appendix C). Without batch norm every convolution is followed by a dropout
    of 0.25 (same place), and hidden layers always have one of 0.5.

    Args:
        input_shape: `(H, W, C)` of one image; H and W at least 32.
        num_classes: Number of logits.
        width_multiplier: Factor of all channels, hidden units too.
        batch_norm: Whether convolutions have batch norm instead of a bias.
        hidden: Units of fully connected layers before the logits: none in the
            CIFAR form, `(4096, 4096)` in the ImageNet form.
        pixel_mean: Mean of each channel, `[C]`, in the units of the images
            (0...255 for raw pixels). With `pixel_std` the network normalises
            its own input, so that raw images go in; None: no normalisation.
        pixel_std: Standard deviation of each channel, `[C]`, same units.
        name: Model name.

    Returns:
        `keras.Model`, images `[B, H, W, C]` to logits `[B, num_classes]`.

    Raises:
        ValueError: If the images are too small for five poolings, the width
            multiplier is not above 0, or one of `pixel_mean` and `pixel_std`
            is given without the other.

    References:
        Simonyan, Zisserman, Very Deep Convolutional Networks for Large-Scale
        Image Recognition, ICLR 2015, arXiv:1409.1556, Table 1, column D.
    """
    check_width(width_multiplier)
    sides = input_shape[:2]
    if None in sides or min(sides) < 2 ** len(STAGES):
        raise ValueError(
            f"input_shape={input_shape}. Supported: a known size of at least"
            " 32x32 pixels, for there are five poolings. Resize the images."
        )
    image, x = image_input(input_shape, pixel_mean, pixel_std)
    for stage, (channels, count) in enumerate(STAGES, start=1):
        for number in range(1, count + 1):
            unit = f"stage{stage}_unit{number}"
            x = convolution(
                x,
                scaled(channels, width_multiplier),
                kernel_size=3,
                name=unit,
                batch_norm=batch_norm,
            )
            if not batch_norm:
                x = keras.layers.Dropout(0.25, name=f"{unit}_dropout")(x)
            x = relu(x, unit)
        x = keras.layers.AveragePooling2D(2, name=f"stage{stage}_pool")(x)
    x = keras.layers.Flatten(name="flatten")(x)
    for number, units in enumerate(hidden, start=1):
        unit = f"hidden{number}"
        x = classifier(x, scaled(units, width_multiplier), name=unit)
        x = relu(x, unit)
        x = keras.layers.Dropout(HIDDEN_DROPOUT, name=f"{unit}_dropout")(x)
    return keras.Model(image, classifier(x, num_classes), name=name)


def vgg16_imagenet(
    *,
    input_shape: tuple[int, int, int] = (224, 224, 3),
    num_classes: int = 1000,
    hidden: tuple[int, ...] = (4096, 4096),
    name: str = "vgg16_imagenet",
    **options,
) -> keras.Model:
    """Builds the ImageNet form of `vgg16`, with two hidden layers.

    Args:
        input_shape: As in `vgg16`.
        num_classes: As in `vgg16`.
        hidden: As in `vgg16`.
        name: Model name.
        **options: Other arguments of `vgg16`.

    Returns:
        As `vgg16`.
    """
    return vgg16(
        input_shape=input_shape,
        num_classes=num_classes,
        hidden=hidden,
        name=name,
        **options,
    )
