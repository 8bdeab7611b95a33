"""Batches of images with their labels, for evaluation."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from tfsnn.batches import Pair, iterate_pairs, resolve, to_array, whole_arrays
from tfsnn.errors import DataError
from tfsnn.image_arrays import (
    find_non_finite,
    find_problems,
    is_numeric,
    is_single,
    refuse,
    to_float32,
)
from tfsnn.inputs import (
    Images,
    InputShapes,
    count_images,
    each,
    join,
    names_of,
    take,
)

Batch = tuple[Images, np.ndarray]


def labelled_batches(
    data: Any,
    *,
    input_shape: InputShapes,
    batch_size: int = 128,
) -> Iterator[Batch]:
    """Walks labelled data in order, in batches of one size.

    Args:
        data: A tuple `(images, labels)` of arrays; a dict with `image` and
            `label`; a `tf.data.Dataset` of such pairs, batched or not; a
            `keras.utils.PyDataset`; an iterable of batches; or a callable
            without arguments that returns one of these.
        input_shape: Shape of one image, without B; None: any size. Of several
            inputs, name to shape; a tuple, a list or a dict of arrays then
            stands for the images: `((left, right), labels)`.
        batch_size: Images a batch, at least 1; only the last is smaller.

    Returns:
        An iterator over images `[B, ...]` float32, values unscaled (a tuple
        for several inputs), and labels `[B]` int64, see `class_indices`.

    Raises:
        DataError: At once if `batch_size` is below 1 or the form of the data
            is not supported; while iterating if there are no images, or if
            images or labels do not fit.
    """
    if batch_size < 1:
        raise DataError(
            f"Received batch_size={batch_size}. Supported: 1 and more. Choose"
            " a larger batch."
        )
    data = resolve(data)
    whole = whole_arrays(data, names_of(input_shape))
    if whole is None:
        pairs = _check_stream(data, input_shape)
    else:
        pairs = _slice_arrays(whole, input_shape, batch_size)
    return _rebatch(pairs, batch_size)


def class_indices(labels: Any, num_images: int) -> np.ndarray:
    """Reads labels as class indices.

    Args:
        labels: `[B]` or `[B, 1]` whole numbers of any dtype, or `[B, K]` one
            score per class (one-hot labels), of which the largest counts
            (argmax, the first among equals).
        num_images: B.

    Returns:
        `[B]` int64, 0 and above.

    Raises:
        DataError: If labels are missing, of another number or no indices.
    """
    supported = (
        "Supported: class indices [B], or one-hot labels [B, K], one a image."
    )
    if labels is None:
        raise DataError(
            f"Received {num_images} images without labels. {supported} Pass"
            " (images, labels)."
        )
    labels = to_array(labels, "labels")
    received = f"Received labels of shape {labels.shape}, dtype {labels.dtype}"
    if labels.ndim not in (1, 2) or len(labels) != num_images:
        raise DataError(
            f"{received}, for {num_images} images: the lengths differ or the"
            f" axes do not fit. {supported} Pair every image with one label."
        )
    if not is_numeric(labels.dtype):
        raise DataError(
            f"{received}, which is not numeric. {supported} Number the"
            " classes from 0."
        )
    if labels.ndim == 2 and labels.shape[1] > 1 and np.isfinite(labels).all():
        return np.argmax(labels, axis=1).astype(np.int64)
    if labels.ndim == 1:
        labels = labels[:, None]
    is_index = np.isfinite(labels) & (labels >= 0)
    is_index &= np.floor(labels) == labels
    if not is_index.all() or labels.shape[1] == 0:
        raise DataError(
            f"{received}, of which {int((~is_index).sum())} are not whole"
            f" numbers >= 0. {supported} Number the classes from 0."
        )
    return labels[:, 0].astype(np.int64)


def _slice_arrays(
    whole: Pair, input_shape: InputShapes, batch_size: int
) -> Iterator[Batch]:
    """Cuts arrays; converts one batch at a time, so large arrays stay put."""
    problems = find_problems(whole.images, input_shape)
    if problems:
        refuse("evaluation data", problems)
    count = count_images(whole.images)
    labels = _labels(whole, input_shape) if count else None
    for start in range(0, count, batch_size):
        rows = slice(start, start + batch_size)
        images = _finite(take(whole.images, rows), f"images from {start}")
        yield images, labels[rows]


def _check_stream(data: Any, input_shape: InputShapes) -> Iterator[Batch]:
    """Gives every element a batch axis and checks it."""
    pairs = iterate_pairs(data, names_of(input_shape))
    for index, (images, labels) in enumerate(pairs):
        if is_single(images, input_shape):
            images = each(lambda array: array[None], images)
            if labels is not None:
                labels = to_array(labels, "labels")[None]
        place = f"element {index}"
        problems = find_problems(images, input_shape)
        if problems:
            refuse(f"evaluation data, {place}", problems)
        yield _finite(images, place), _labels(Pair(images, labels), input_shape)


def _labels(pair: Pair, input_shape: InputShapes) -> np.ndarray:
    """Class indices of a batch that fits."""
    names = ", ".join(names_of(input_shape))
    if names and pair.labels is None:
        raise DataError(
            f"Received the inputs {names} without labels: arrays side by side"
            " are taken as the inputs of the network. Supported: class"
            f" indices [B], or one-hot labels [B, K]. Pass (({names}), labels)."
        )
    return class_indices(pair.labels, count_images(pair.images))


def _finite(images: Images, place: str) -> Images:
    images = to_float32(images)
    problems = find_non_finite(images)
    if problems:
        refuse(f"evaluation data, {place}", problems)
    return images


def _rebatch(pairs: Iterator[Batch], batch_size: int) -> Iterator[Batch]:
    """Joins and cuts pairs to the batch size; refuses to yield nothing."""
    waiting: list[Batch] = []
    missing = batch_size
    is_empty = True
    for images, labels in pairs:
        while len(labels):
            is_empty = False
            waiting.append((take(images, slice(missing)), labels[:missing]))
            images = take(images, slice(missing, None))
            labels = labels[missing:]
            missing -= len(waiting[-1][1])
            if not missing:
                yield _join(waiting)
                waiting, missing = [], batch_size
    if waiting:
        yield _join(waiting)
    if is_empty:
        raise DataError(
            "Received no images: the evaluation data are empty. Supported: at"
            " least 1 labelled image. A generator that was read before has to"
            " be made anew."
        )


def _join(parts: list[Batch]) -> Batch:
    if len(parts) == 1:
        return parts[0]
    images, labels = zip(*parts, strict=True)
    return join(images), np.concatenate(labels)
