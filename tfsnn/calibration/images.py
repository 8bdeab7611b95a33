"""A bounded, deterministic view of calibration data that can be re-read."""

import dataclasses
import functools
import hashlib
from typing import Any

import numpy as np
from absl import logging

from tfsnn.batches import iterate_pairs, resolve, whole_arrays
from tfsnn.image_arrays import (
    are_shaped,
    find_non_finite,
    find_problems,
    is_single,
    refuse,
    to_float32,
)
from tfsnn.inputs import (
    Images,
    InputShapes,
    count_images,
    each,
    every,
    join,
    names_of,
    take,
)

from .arguments import checked_whole

MIN_IMAGES = 16
MAX_IMAGES = 1024
RECOMMENDED_IMAGES = 128


@dataclasses.dataclass(frozen=True, eq=False)
class CalibrationImages:
    """Images in memory, without labels; build with `from_any`.

    Attributes:
        images: `[N, ...]` float32, read-only; of several inputs a tuple.
    """

    images: Images

    def __post_init__(self):
        """Locks the arrays: every pass has to see the same values."""
        object.__setattr__(self, "images", each(_locked, self.images))

    @classmethod
    def from_any(
        cls,
        data: Any,
        *,
        input_shape: InputShapes,
        max_images: int = MAX_IMAGES,
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
            input_shape: Shape of one image, without B; None: any size. Of
                several inputs, name to shape; the data then hold a tuple, a
                list or a dict of arrays in place of one.
            max_images: Largest N, at least 16, as N itself.
            seed: Seed of the sample.

        Returns:
            The view; values are converted to float32 and not scaled.

        Raises:
            DataError: If the data are empty, too few, not finite, of another
                shape or form; lists all problems found.
            ValueError: If `max_images` or `seed` is out of range.
        """
        max_images = checked_whole(
            "max_images", max_images, low=MIN_IMAGES, default=MAX_IMAGES
        )
        seed = checked_whole("seed", seed, low=0, default=0)
        if isinstance(data, cls):
            data = data.images
        data = resolve(data)
        whole = whole_arrays(data, names_of(input_shape))
        if whole is None:
            images, problems = _read_stream(data, input_shape, max_images)
        else:
            images, problems = _sample_array(
                whole.images, input_shape, max_images, seed
            )
        if images is not None:
            problems += _count_problems(count_images(images))
            problems += find_non_finite(images)
        if problems:
            refuse("calibration data", problems)
        if count_images(images) < RECOMMENDED_IMAGES:
            logging.info(
                "Calibrating with %d images; about 1,024 are recommended.",
                count_images(images),
            )
        return cls(images)

    def __len__(self) -> int:
        """Number of images N."""
        return count_images(self.images)

    @functools.cached_property
    def digest(self) -> str:
        """SHA-256 of shape, dtype and bytes, as 64 hexadecimal digits."""
        found = hashlib.sha256()
        for array in every(self.images):
            found.update(f"{array.shape} <f4 ".encode())
            found.update(np.ascontiguousarray(array, "<f4").tobytes())
        return found.hexdigest()


def _locked(array: np.ndarray) -> np.ndarray:
    view = array.view()
    view.flags.writeable = False
    return view


def _count_problems(count: int) -> list[str]:
    if count == 0:
        return [
            "Received no images: the data are empty. Supported: at least"
            f" {MIN_IMAGES}. Pass about 1,024 images; a generator that was"
            " read before has to be made anew."
        ]
    if count < MIN_IMAGES:
        return [
            f"Received {count} images, which is too small a set. Supported: at"
            f" least {MIN_IMAGES}. Pass more images: about 1,024, or at least"
            f" {RECOMMENDED_IMAGES}."
        ]
    return []


def _sample_array(
    images: Images,
    input_shape: InputShapes,
    max_images: int,
    seed: int,
) -> tuple[Images | None, list[str]]:
    """Draws from arrays; without images where their count means nothing."""
    problems = find_problems(images, input_shape)
    if not are_shaped(images, input_shape):
        return None, problems
    count = count_images(images)
    if count > max_images:
        generator = np.random.default_rng(seed)
        chosen = generator.choice(count, max_images, replace=False)
        images = take(images, np.sort(chosen))
    return to_float32(images), problems


def _read_stream(
    data: Any, input_shape: InputShapes, max_images: int
) -> tuple[Images | None, list[str]]:
    """Takes the first images; stops at the first element that does not fit."""
    parts: list[Images] = []
    missing = max_images
    pairs = iterate_pairs(data, names_of(input_shape))
    for index, (element, _) in enumerate(pairs):
        if is_single(element, input_shape):
            element = each(lambda array: array[None], element)
        problems = find_problems(element, input_shape)
        if parts and not problems:
            problems = _shape_problems(element, parts[0])
        if problems:
            place = f"Element {index}: "
            return None, [place + problem for problem in problems]
        parts.append(to_float32(take(element, slice(missing))))
        missing -= count_images(parts[-1])
        if not missing:
            break
    if not parts:
        return np.empty((0,), np.float32), []
    return join(parts), []


def _shape_problems(images: Images, first: Images) -> list[str]:
    return [
        f"Received images of shape {array.shape[1:]} after {before.shape[1:]}."
        " Supported: images of one shape. Resize or crop them."
        for array, before in zip(every(images), every(first), strict=True)
        if array.shape[1:] != before.shape[1:]
    ]
