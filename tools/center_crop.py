"""ImageNet's way from stored images to one size."""

import dataclasses

import numpy as np
import tensorflow as tf

from tfsnn_tools.preprocessing import Preprocessing

SHARE = 224 / 256
"""Of the shorter side that is kept, as is usual for 224 pixels."""


@dataclasses.dataclass(frozen=True)
class CenterCrop(Preprocessing):
    """Scales the shorter side to 256 of 224 parts, crops the middle.

    Pixels of one image are resampled once, bilinear with antialiasing.
    """

    def resized(self, images: np.ndarray) -> np.ndarray:
        """Crops the middle; one size needs no resampling.

        Args:
            images: `[H, W, C]` or `[N, H, W, C]` numbers.

        Returns:
            The middle, `resize` pixels, float32 where it was resampled.
        """
        if self.resize is None or images.shape[-3:-1] == self.resize:
            return images
        height, width = images.shape[-3:-1]
        rows, columns = self.resize
        # The largest window of this shape, and of it the usual share.
        scale = min(height / rows, width / columns) * SHARE
        window = round(rows * scale), round(columns * scale)
        top, left = (height - window[0]) // 2, (width - window[1]) // 2
        middle = images[..., top : top + window[0], left : left + window[1], :]
        return tf.image.resize(middle, self.resize, antialias=True).numpy()
