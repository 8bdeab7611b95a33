"""Random changes of training images, from Keras layers where there are any."""

from collections.abc import Callable

import keras
import tensorflow as tf

AUGMENTATIONS = ("standard", "strong", "imagenet")
CUTOUT_SHARE = 0.25
"""Area that is blanked: 16x16 of 32x32 pixels, as DeVries and Taylor (2017)."""
JITTER = {
    "brightness_factor": 0.2,
    "contrast_factor": 0.2,
    "saturation_factor": 0.2,
    "hue_factor": 0.1,
}
"""Of the paper, appendix C.1."""
CROP_AREA = (0.08, 1.0)
CROP_RATIO = (3 / 4, 4 / 3)


def pad_crop_mirror(
    image: tf.Tensor, seed: tf.Tensor, *, padding: int
) -> tf.Tensor:
    """Zero-pads, crops at random and mirrors at random.

    Args:
        image: One image `[H, W, C]`.
        seed: Two integers `[2]`; equal seeds give equal images.
        padding: Pixels added at each border before the crop.

    Returns:
        An image of the same shape and dtype.
    """
    shape = image.shape
    border = [padding, padding]
    padded = tf.pad(image, [border, border, [0, 0]])
    cropped = tf.image.stateless_random_crop(padded, shape, seed)
    return tf.image.stateless_random_flip_left_right(cropped, seed + 1)


def resized_crop_mirror(
    image: tf.Tensor, seed: tf.Tensor, *, size: tuple[int, int]
) -> tf.Tensor:
    """Crops a random share, resizes it and mirrors at random.

    Area and sides of the crop are those of Szegedy et al. (2015): 8 to 100 % of
    the image, between 3:4 and 4:3.

    Args:
        image: One image `[H, W, C]` of any size.
        seed: Two integers `[2]`; equal seeds give equal images.
        size: Height and width afterwards.

    Returns:
        float32 `[height, width, C]`.
    """
    begin, extent, _ = tf.image.stateless_sample_distorted_bounding_box(
        tf.shape(image),
        tf.zeros([1, 0, 4]),
        seed,
        aspect_ratio_range=CROP_RATIO,
        area_range=CROP_AREA,
        use_image_if_no_bounding_boxes=True,
    )
    cropped = tf.slice(image, begin, extent)
    resized = tf.image.resize(cropped, size, antialias=True)
    resized.set_shape([*size, image.shape[-1]])
    return tf.image.stateless_random_flip_left_right(resized, seed + 1)


def batch_layers(
    kind: str, seed: int
) -> list[Callable[[tf.Tensor], tf.Tensor]]:
    """What is done to a batch after it was cropped and mirrored.

    * `"standard"`: nothing more.
    * `"strong"`: RandAugment, then a blank square (Cutout, from
      `RandomErasing`). The paper's AutoAugment is not in Keras; RandAugment
      (Cubuk et al., 2020) draws from the same operations without a learned
      policy.
    * `"imagenet"`: colour jitter of the paper.

    Args:
        kind: One of `AUGMENTATIONS`.
        seed: Of the layers. They draw in the order in which batches come; with
            several workers that order is not fixed.

    Returns:
        Functions of images `[B, H, W, C]`, 0...255.

    Raises:
        ValueError: If the kind is unknown.
    """
    if kind not in AUGMENTATIONS:
        raise ValueError(
            f"augmentation='{kind}'. Supported: {', '.join(AUGMENTATIONS)}."
        )
    pixels = {"value_range": (0, 255)}
    layers = []
    if kind == "strong":
        layers = [
            keras.layers.RandAugment(seed=seed, **pixels),
            keras.layers.RandomErasing(
                scale=(CUTOUT_SHARE, CUTOUT_SHARE),
                fill_value=0.0,
                seed=seed + 1,
                **pixels,
            ),
        ]
    if kind == "imagenet":
        layers = [keras.layers.RandomColorJitter(seed=seed, **JITTER, **pixels)]
    return [lambda x, one=one: one(x, training=True) for one in layers]
