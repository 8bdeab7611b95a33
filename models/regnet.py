"""RegNetX of Radosavovic et al. (2020)."""

import itertools
import math

import keras

from .blocks import (
    check_width,
    classifier,
    convolution,
    image_input,
    relu,
    scaled,
)

STEM = 32
GROUP_WIDTH = 40
WIDTH_STEP = 8


def generated_stages(
    *,
    depth: int,
    initial_width: int,
    slope: float,
    multiplier: float,
    group_width: int,
) -> tuple[tuple[int, int], ...]:
    """Widths and depths of the stages, from the paper's five numbers.

        u_j = w_0 + w_a j;  s_j = log_{w_m}(u_j / w_0);
        w_j = w_0 w_m^round(s_j)                                  (Eq. 2-4)

    rounded to multiples of 8, then to multiples of the group width.

    Args:
        depth: Number of blocks.
        initial_width: w_0.
        slope: w_a.
        multiplier: w_m.
        group_width: Channels of a group.

    Returns:
        Channels and number of blocks of each stage.

    References:
        Radosavovic, Kosaraju, Girshick, He, Dollar, Designing Network Design
        Spaces, CVPR 2020, arXiv:2003.13678, section 3.3.
    """
    widths = []
    for index in range(depth):
        exponent = round(
            math.log(1 + slope * index / initial_width) / math.log(multiplier)
        )
        width = initial_width * multiplier**exponent
        width = WIDTH_STEP * round(width / WIDTH_STEP)
        widths.append(group_width * round(width / group_width))
    return tuple(
        (width, len(list(same))) for width, same in itertools.groupby(widths)
    )


STAGES_4GF = generated_stages(
    depth=23,
    initial_width=96,
    slope=38.65,
    multiplier=2.43,
    group_width=GROUP_WIDTH,
)


def regnetx(
    *,
    stages: tuple[tuple[int, int], ...] = STAGES_4GF,
    group_width: int = GROUP_WIDTH,
    input_shape: tuple[int, int, int] = (224, 224, 3),
    num_classes: int = 1000,
    width_multiplier: float = 1.0,
    batch_norm: bool = True,
    pixel_mean: tuple[float, ...] | None = None,
    pixel_std: tuple[float, ...] | None = None,
    name: str = "regnetx_4gf",
) -> keras.Model:
    """Builds a RegNetX, by default RegNetX-4.0GF.

    A block is 1x1, grouped 3x3 and 1x1, all of one width (bottleneck ratio 1);
    the first one of a stage has stride 2 and a projection shortcut.

    Args:
        stages: Channels (multiples of the group width) and number of blocks of
            each stage.
        group_width: Channels of a group.
        input_shape: `(H, W, C)` of one image.
        num_classes: Number of logits.
        width_multiplier: Factor of the group width, and so of all channels.
        batch_norm: Whether convolutions have batch norm instead of a bias.
        pixel_mean: As in `vgg16`.
        pixel_std: As in `vgg16`.
        name: Model name.

    Returns:
        `keras.Model`, images `[B, H, W, C]` to logits `[B, num_classes]`.

    Raises:
        ValueError: If a width is no multiple of the group width, the width
            multiplier is not above 0, or one of `pixel_mean` and `pixel_std`
            is given without the other.

    References:
        As `generated_stages`.
    """
    check_width(width_multiplier)
    odd = [width for width, _ in stages if width % group_width]
    if odd:
        raise ValueError(
            f"stages={stages} with group_width={group_width}. Supported: widths"
            f" that are multiples of it; {odd} are none. Round them."
        )
    image, x = image_input(input_shape, pixel_mean, pixel_std)
    x = convolution(
        x,
        scaled(STEM, width_multiplier),
        kernel_size=3,
        strides=2,
        name="stem",
        batch_norm=batch_norm,
    )
    x = relu(x, "stem")
    own_width = scaled(group_width, width_multiplier)
    for stage, (width, depth) in enumerate(stages, start=1):
        for block in range(depth):
            x = _block(
                x,
                width // group_width,
                own_width,
                strides=1 if block else 2,
                batch_norm=batch_norm,
                name=f"stage{stage}_block{block + 1}",
            )
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(image, classifier(x, num_classes), name=name)


def _block(x, groups, group_width, *, strides, batch_norm, name):
    shortcut, width = x, groups * group_width
    options = {"batch_norm": batch_norm}
    x = convolution(x, width, kernel_size=1, name=f"{name}_1", **options)
    x = relu(x, f"{name}_1")
    x = convolution(
        x,
        width,
        kernel_size=3,
        strides=strides,
        groups=groups,
        name=f"{name}_2",
        **options,
    )
    x = relu(x, f"{name}_2")
    x = convolution(x, width, kernel_size=1, name=f"{name}_3", **options)
    if strides != 1 or shortcut.shape[-1] != width:
        shortcut = convolution(
            shortcut,
            width,
            kernel_size=1,
            strides=strides,
            name=f"{name}_shortcut",
            **options,
        )
    x = keras.layers.Add(name=f"{name}_add")([x, shortcut])
    return relu(x, f"{name}_3")
