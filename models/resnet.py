"""CIFAR residual networks of He et al. (2016), section 4.2."""

import keras

from .blocks import check_width, classifier, image_input, scaled


def cifar_resnet(
    *,
    depth: int = 20,
    width: int = 16,
    input_shape: tuple[int, int, int] = (32, 32, 3),
    num_classes: int = 10,
    width_multiplier: float = 1.0,
    batch_norm: bool = True,
    pixel_mean: tuple[float, ...] | None = None,
    pixel_std: tuple[float, ...] | None = None,
    name: str | None = None,
) -> keras.Model:
    """Builds a CIFAR residual network with 6n+2 layers.

    Three stages of n basic blocks with `width`, 2 `width` and 4 `width`
    channels; parameter-free shortcuts (option A); global average pooling; a
    linear classifier without softmax.

    Args:
        depth: Number of weighted layers, 6n+2: 20, 32, 44, 56, 110.
        width: Channels of the first stage; 16 in the paper (0.27 M
            parameters at depth 20).
        input_shape: `(H, W, C)` of one image.
        num_classes: Number of logits.
        width_multiplier: Factor of `width`.
        batch_norm: Whether convolutions have batch norm instead of a bias.
        pixel_mean: Mean of each channel, `[C]`, in the units of the images
            (0...255 for raw pixels). With `pixel_std` the network normalises
            its own input, so that raw images go in; None: no normalisation.
        pixel_std: Standard deviation of each channel, `[C]`, same units.
        name: Model name; `resnet<depth>` by default.

    Returns:
        `keras.Model`, images `[B, H, W, C]` to logits `[B, num_classes]`.

    Raises:
        ValueError: If `depth` is not of the form 6n+2, the width multiplier is
            not above 0, or one of `pixel_mean` and `pixel_std` is given
            without the other.

    References:
        He, Zhang, Ren, Sun, Deep Residual Learning for Image Recognition,
        CVPR 2016, arXiv:1512.03385, section 4.2.
    """
    num_blocks, remainder = divmod(depth - 2, 6)
    if remainder or num_blocks < 1:
        raise ValueError(
            f"depth={depth} is not a CIFAR ResNet. Supported: 6n+2 with n >= 1."
            " Use 20, 32, 44, 56 or 110."
        )
    check_width(width_multiplier)
    width = scaled(width, width_multiplier)
    image, x = image_input(input_shape, pixel_mean, pixel_std)
    x = _conv(x, width, strides=1, batch_norm=batch_norm, name="stem")
    x = keras.layers.ReLU(name="stem_relu")(x)
    for stage in range(3):
        for block in range(num_blocks):
            x = _basic_block(
                x,
                width * 2**stage,
                strides=2 if stage and not block else 1,
                batch_norm=batch_norm,
                name=f"stage{stage + 1}_block{block + 1}",
            )
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    logits = classifier(x, num_classes)
    return keras.Model(image, logits, name=name or f"resnet{depth}")


def _conv(x, filters, *, strides, batch_norm, name):
    """A 3x3 convolution, and its batch norm or bias.

    Padding is Keras's, on the far sides where there is a stride: the shipped
    networks were trained with it.
    """
    x = keras.layers.Conv2D(
        filters,
        3,
        strides=strides,
        padding="same",
        use_bias=not batch_norm,
        kernel_initializer="he_normal",
        name=f"{name}_conv",
    )(x)
    if not batch_norm:
        return x
    return keras.layers.BatchNormalization(
        momentum=0.9, epsilon=1e-5, name=f"{name}_bn"
    )(x)


def _zero_pad_shortcut(x, filters):
    """Every second pixel, and zeros for the new channels (option A)."""
    extra = filters - x.shape[-1]
    x = x[:, ::2, ::2, :]
    before = extra // 2
    return keras.ops.pad(x, [[0, 0], [0, 0], [0, 0], [before, extra - before]])


def _basic_block(x, filters, *, strides, batch_norm, name):
    """Two 3x3 convolutions and the identity added before the last ReLU."""
    shortcut = x
    x = _conv(
        x, filters, strides=strides, batch_norm=batch_norm, name=f"{name}_1"
    )
    x = keras.layers.ReLU(name=f"{name}_1_relu")(x)
    x = _conv(x, filters, strides=1, batch_norm=batch_norm, name=f"{name}_2")
    if strides != 1 or shortcut.shape[-1] != filters:
        shortcut = _zero_pad_shortcut(shortcut, filters)
    x = keras.layers.Add(name=f"{name}_add")([x, shortcut])
    return keras.layers.ReLU(name=f"{name}_2_relu")(x)
