"""A bounded, deterministic view of calibration data that can be re-read."""

import dataclasses
import functools
import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from absl import logging

from tfsnn.batches import iterate_pairs, resolve, whole_arrays
from tfsnn.errors import DataError
from tfsnn.image_arrays import (
    InputShape,
    find_non_finite,
    find_problems,
    fits,
    is_numeric,
    refuse,
    to_float32,
)

MIN_IMAGES = 16
RECOMMENDED_IMAGES = 128


@dataclasses.dataclass(frozen=True, eq=False)
class CalibrationImages:
    """Images in memory, without labels; build with `from_any`.

    Attributes:
        images: `[N, ...]` float32, read-only.
        seed: Seed of `split`.
    """

    images: np.ndarray
    seed: int = 0

    def __post_init__(self):
        """Locks the array: every pass has to see the same values."""
        images = self.images.view()
        images.flags.writeable = False
        object.__setattr__(self, "images", images)

    @classmethod
    def from_any(
        cls,
        data: Any,
        *,
        input_shape: InputShape,
        max_images: int = 1024,
        min_images: int = MIN_IMAGES,
        seed: int = 0,
    ) -> "CalibrationImages":
        """Reads up to `max_images` images once and drops labels.

        Arrays longer than `max_images` give a seeded sample without
        replacement, in their own order; everything that is iterated gives
        its first `max_images` images and is read no further.

        Args:
            data: An array or tensor `[N, ...]`; a tuple `(images, labels)`; a
                dict with `image`; a `tf.data.Dataset`, batched or not; a
                `keras.utils.PyDataset`; an iterable of batches; or a callable
                without arguments that returns one of these, as TFLite's
                `representative_dataset`.
            input_shape: Shape of one image, without B; None: any size.
            max_images: Largest N, at least `min_images`.
            min_images: Smallest N, at least 1.
            seed: Seed of the sample and of `split`.

        Returns:
            The view; values are converted to float32 and not scaled.

        Raises:
            DataError: If the data are empty, too few, not finite, of another
                shape or form; lists all problems found.
        """
        if not 1 <= min_images <= max_images:
            raise DataError(
                f"Received min_images={min_images}, max_images={max_images}."
                " Supported: 1 <= min_images <= max_images. Change one of them."
            )
        if isinstance(data, cls):
            data = data.images
        data = resolve(data)
        whole = whole_arrays(data)
        if whole is None:
            images, problems = _read_stream(data, input_shape, max_images)
        else:
            images, problems = _sample_array(
                whole.images, input_shape, max_images, seed
            )
        if images is not None:
            problems += _count_problems(len(images), min_images)
            problems += find_non_finite(images)
        if problems:
            refuse("calibration data", problems)
        if len(images) < RECOMMENDED_IMAGES:
            logging.info(
                "Calibrating with %d images; about 1,024 are recommended.",
                len(images),
            )
        return cls(images, seed)

    def __len__(self) -> int:
        """Number of images N."""
        return len(self.images)

    @functools.cached_property
    def digest(self) -> str:
        """SHA-256 of shape, dtype and bytes, as 64 hexadecimal digits."""
        header = f"{self.images.shape} <f4 ".encode()
        content = np.ascontiguousarray(self.images, "<f4")
        return hashlib.sha256(header + content.tobytes()).hexdigest()

    def split(
        self, held_out_fraction: float = 0.25
    ) -> tuple[np.ndarray, np.ndarray]:
        """Divides the images at random, the same way at every call.

        Args:
            held_out_fraction: Share to hold out, 0 <= share < 1; a share
                above 0 holds out at least one image and leaves at least one.

        Returns:
            Indices to fit on and indices held out, int64, disjoint, together
            all N.

        Raises:
            DataError: If the share is out of range or N is 1.
        """
        if not 0 <= held_out_fraction < 1:
            raise DataError(
                f"Received held_out_fraction={held_out_fraction}. Supported:"
                " 0 <= held_out_fraction < 1. Choose a share such as 0.25."
            )
        order = np.random.default_rng(self.seed).permutation(len(self))
        if held_out_fraction == 0:
            return order, order[:0]
        if len(self) == 1:
            raise DataError(
                "Received 1 image to split into two parts. Supported: 2 and"
                " more. Pass more images, or hold out none."
            )
        num_held_out = round(held_out_fraction * len(self))
        num_held_out = min(max(num_held_out, 1), len(self) - 1)
        return order[num_held_out:], order[:num_held_out]

    def batches(self, batch_size: int) -> Iterator[np.ndarray]:
        """Walks the images in order, without copies.

        Args:
            batch_size: Images a batch, at least 1; the last may be smaller.

        Returns:
            An iterator over `[B, ...]` float32.

        Raises:
            DataError: If `batch_size` is below 1.
        """
        if batch_size < 1:
            raise DataError(
                f"Received batch_size={batch_size}. Supported: 1 and more."
                " Choose a larger batch."
            )
        starts = range(0, len(self), batch_size)
        return (self.images[start : start + batch_size] for start in starts)


def _count_problems(count: int, min_images: int) -> list[str]:
    if count == 0:
        return [
            "Received no images: the data are empty. Supported: at least"
            f" {min_images}. Pass about 1,024 images; a generator that was"
            " read before has to be made anew."
        ]
    if count < min_images:
        return [
            f"Received {count} images, which is too small a set. Supported: at"
            f" least {min_images}. Pass about 1,024 images, at least"
            f" {RECOMMENDED_IMAGES}; fewer only with a smaller min_images."
        ]
    return []


def _sample_array(
    images: np.ndarray,
    input_shape: InputShape,
    max_images: int,
    seed: int,
) -> tuple[np.ndarray | None, list[str]]:
    """Draws from one array; without images where their count means nothing."""
    problems = find_problems(images, input_shape)
    same_rank = images.ndim == len(input_shape) + 1
    if not (same_rank and is_numeric(images.dtype)):
        return None, problems
    if len(images) > max_images:
        generator = np.random.default_rng(seed)
        chosen = generator.choice(len(images), max_images, replace=False)
        images = images[np.sort(chosen)]
    return to_float32(images), problems


def _read_stream(
    data: Any, input_shape: InputShape, max_images: int
) -> tuple[np.ndarray | None, list[str]]:
    """Takes the first images; stops at the first element that does not fit."""
    parts: list[np.ndarray] = []
    missing = max_images
    for index, (element, _) in enumerate(iterate_pairs(data)):
        if fits(element.shape, input_shape):
            element = element[None]
        problems = find_problems(element, input_shape)
        if parts and not problems and element.shape[1:] != parts[0].shape[1:]:
            problems = [
                f"Received images of shape {element.shape[1:]} after"
                f" {parts[0].shape[1:]}. Supported: images of one shape."
                " Resize or crop them."
            ]
        if problems:
            place = f"Element {index}: "
            return None, [place + problem for problem in problems]
        parts.append(to_float32(element[:missing]))
        missing -= len(parts[-1])
        if not missing:
            break
    if not parts:
        return np.empty((0,), np.float32), []
    return np.concatenate(parts), []
