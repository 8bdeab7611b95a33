"""The signature `serialized`: image files, decoded and scaled in the graph."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfsnn.errors import ExportError

CHANNELS = (1, 3, 4)
WHOLE = 256 / 224
"""Sides that an image is scaled to, of those of the middle that is kept."""


@dataclasses.dataclass(frozen=True)
class ImageDecoding:
    """How the bytes of a JPEG or PNG file become an image of the network.

        image = (pixels * scale - mean) / std

    with pixels 0...255, after resizing (bilinear) to the network's size.
    With `crop` only the middle of an image is taken.

    Attributes:
        scale: Factor of the pixels, finite and not 0.
        mean: Subtracted after scaling: one number, or one a channel; empty:
            nothing.
        std: Divides last: above 0, one number or one a channel; empty:
            nothing.
        crop: Height and width of the network, to take the middle in its
            proportions: the shorter side is scaled (antialiased) to 256 of 224
            parts and this size cropped. An image that has it is left alone.
    """

    scale: float = 1.0
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    crop: tuple[int, int] | None = None

    def __post_init__(self):
        """Refuses values that cannot be meant.

        Raises:
            ValueError: If a value is out of range.
        """
        numbers = [self.scale, *self.mean, *self.std]
        if (
            not np.isfinite(numbers).all()
            or self.scale == 0
            or any(value <= 0 for value in self.std)
        ):
            raise ValueError(
                f"{self}. Supported: finite numbers, a scale other than 0, std"
                " above 0. Use the numbers of the training, for example"
                " scale=1/255."
            )

        crop = self.crop
        if crop is not None and not (
            isinstance(crop, (tuple, list))
            and len(crop) == 2
            and all(isinstance(side, int) and side > 0 for side in crop)
        ):
            raise ValueError(
                f"crop={crop!r}. Supported: None, or height and width of the"
                " network in pixels. Use, for example, crop=(224, 224)."
            )

    def to_dict(self) -> dict[str, Any]:
        """Plain types."""
        values = dataclasses.asdict(self)
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in values.items()
        }

    def decoder(
        self, inputs: Sequence[keras.KerasTensor]
    ) -> Callable[[tf.Tensor], tf.Tensor]:
        """Files to images.

        Args:
            inputs: Of the network: one, `[B, H, W, C]`.

        Returns:
            A function, bytes `[B]` to float32 `[B, H, W, C]`.

        Raises:
            ExportError: If there are several inputs, files cannot hold such
                images, or crop, mean or std do not fit them.
        """
        if len(inputs) > 1:
            raise ExportError(
                f"The network has the inputs {[x.name for x in inputs]}."
                " Supported for 'serialized': one input, the images. Export"
                " without it."
            )
        shape = inputs[0].shape[1:]
        if len(shape) != 3 or None in shape or shape[-1] not in CHANNELS:
            raise ExportError(
                f"The network takes images {tuple(shape)}. Supported for"
                " 'serialized': images [H, W, C] of known size with 1, 3 or 4"
                " channels. Export without it."
            )
        if self.crop and tuple(self.crop) != shape[:2]:
            raise ExportError(
                f"Received crop={self.crop} for a network that takes images"
                f" {tuple(shape)}. Supported: {shape[:2]}. Crop to this size."
            )
        for name, values in (("mean", self.mean), ("std", self.std)):
            if len(values) not in (0, 1, shape[-1]):
                raise ExportError(
                    f"Received {len(values)} numbers in {name}={values} for"
                    f" images of {shape[-1]} channels. Supported: one number,"
                    " or one a channel. Adapt the list."
                )

        resized = _middle if self.crop else tf.image.resize

        def decode(encoded):
            pixels = tf.io.decode_image(
                encoded, channels=shape[-1], expand_animations=False
            )
            pixels = tf.ensure_shape(pixels, [None, None, shape[-1]])
            return self._scaled(resized(pixels, shape[:2]))

        spec = tf.TensorSpec(shape, tf.float32)
        return lambda encoded: tf.map_fn(
            decode, encoded, fn_output_signature=spec
        )

    def _scaled(self, pixels):
        pixels = pixels * np.float32(self.scale)
        if self.mean:
            pixels -= np.array(self.mean, "float32")
        if self.std:
            pixels /= np.array(self.std, "float32")
        return pixels


def _middle(pixels: tf.Tensor, size: tuple[int, int]) -> tf.Tensor:
    """Pixels `[H, W, C]` to float32 `[*size, C]`, see `crop`."""
    whole = [round(side * WHOLE) for side in size]
    top, left = ((a - b) // 2 for a, b in zip(whole, size, strict=True))

    def cropped():
        scaled = keras.ops.image.resize(
            pixels, whole, antialias=True, crop_to_aspect_ratio=True
        )
        middle = scaled[top : top + size[0], left : left + size[1]]
        return tf.cast(middle, tf.float32)

    has_size = tf.reduce_all(tf.equal(tf.shape(pixels)[:2], size))
    found = tf.cond(has_size, lambda: tf.cast(pixels, tf.float32), cropped)
    return tf.ensure_shape(found, [*size, pixels.shape[-1]])
