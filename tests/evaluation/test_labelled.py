"""Labelled data in every form, in batches of one size."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfsnn.errors import DataError
from tfsnn.evaluation.labelled import class_indices, labelled_batches

SHAPE = (4, 4, 3)
N = 10
IMAGES = np.random.default_rng(0).integers(0, 256, (N, *SHAPE), dtype=np.uint8)
LABELS = np.arange(N) % 4
ONE_HOT = np.eye(4)[LABELS]


def read(data, batch_size=4):
    return list(
        labelled_batches(data, input_shape=SHAPE, batch_size=batch_size)
    )


def as_dataset(labels=LABELS):
    return tf.data.Dataset.from_tensor_slices((IMAGES, labels))


class Pairs(keras.utils.PyDataset):
    """Batches of six images."""

    def __len__(self):
        return 2

    def __getitem__(self, index):
        rows = slice(6 * index, 6 * index + 6)
        return IMAGES[rows], LABELS[rows]


FORMS = {
    "arrays": (IMAGES, LABELS),
    "with-weights": (IMAGES, LABELS, np.ones(N)),
    "tensors": (tf.constant(IMAGES), tf.constant(LABELS)),
    "column": (IMAGES, LABELS[:, None]),
    "one-hot": (IMAGES, ONE_HOT),
    "whole-floats": (IMAGES, LABELS.astype(np.float32)),
    "dict": {"image": IMAGES, "label": LABELS},
    "dataset": as_dataset(),
    "dataset-batched": as_dataset().batch(3),
    "dataset-one-hot": as_dataset(ONE_HOT),
    "dataset-column": as_dataset(LABELS[:, None]),
    "pydataset": Pairs(),
    "list": [(IMAGES[:1], LABELS[:1]), (IMAGES[1:], LABELS[1:])],
    "lists-of-numbers": [
        (image.tolist(), int(label))
        for image, label in zip(IMAGES, LABELS, strict=True)
    ],
    "callable": lambda: zip(IMAGES, LABELS, strict=True),
}


@pytest.mark.parametrize("data", FORMS.values(), ids=FORMS.keys())
def test_every_form_gives_the_same_batches(data):
    parts = read(data)
    assert [len(labels) for _, labels in parts] == [4, 4, 2]
    images, labels = (np.concatenate(half) for half in zip(*parts, strict=True))
    assert images.dtype == np.float32
    assert labels.dtype == np.int64
    np.testing.assert_array_equal(images, IMAGES)
    np.testing.assert_array_equal(labels, LABELS)


@pytest.mark.parametrize("batch_size", [1, 3, 10, 64])
def test_batches_have_the_size_asked_for(batch_size):
    sizes = [len(labels) for _, labels in read(as_dataset(), batch_size)]
    assert sum(sizes) == N
    assert set(sizes[:-1]) <= {batch_size}


def test_endless_streams_are_read_lazily():
    endless = itertools.repeat((IMAGES, LABELS))
    batches = labelled_batches(endless, input_shape=SHAPE, batch_size=4)
    assert len(list(itertools.islice(batches, 7))) == 7


def test_largest_score_counts_and_the_first_among_equals():
    scores = np.array([[0.1, 0.9, 0.0], [0.5, 0.5, 0.0]])
    np.testing.assert_array_equal(class_indices(scores, 2), [1, 0])


def with_nan():
    images = IMAGES.astype(np.float32)
    images[5, 0, 0, 0] = np.nan
    return images


REFUSALS = {
    "no-labels": (IMAGES, "Received 10 images without labels"),
    "no-labels-stream": (list(IMAGES), "Received 1 images without labels"),
    "shorter": ((IMAGES, LABELS[:7]), "for 10 images: the lengths differ"),
    "scalar": ([(IMAGES, 3)], r"shape \(\).*for 10 images: the lengths"),
    "masks": ((IMAGES, IMAGES), "the axes do not fit"),
    "fractions": ((IMAGES, LABELS + 0.5), "10 are not whole numbers >= 0"),
    "negative": ((IMAGES, LABELS - 1), "3 are not whole numbers >= 0"),
    "nan-label": ((IMAGES, np.full(N, np.nan)), "10 are not whole numbers"),
    "infinite": ((IMAGES, np.full(N, np.inf)), "10 are not whole numbers"),
    "nan-one-hot": ((IMAGES, ONE_HOT * np.nan), "not whole numbers"),
    "no-classes": ((IMAGES, ONE_HOT[:, :0]), "not whole numbers"),
    "names": ((IMAGES, LABELS.astype(str)), "not numeric.*Number the classes"),
    "empty": ((IMAGES[:0], LABELS[:0]), "evaluation data are empty"),
    "empty-stream": ([], "evaluation data are empty"),
    "shape": ((IMAGES[:, :3], LABELS), r"\(10, 3, 4, 3\).*\[B, 4, 4, 3\]"),
    "shape-stream": (
        [(IMAGES, LABELS), (IMAGES[..., :1], LABELS)],
        "data, element 1: .*1 channels, not 3",
    ),
    "wrong-order": ((LABELS, IMAGES), "look like labels in the data"),
    "nan": ((with_nan(), LABELS), "data, images from 4: Received 1 NaN"),
    "nan-stream": ([(with_nan(), LABELS)], "element 0: Received 1 NaN"),
}


@pytest.mark.parametrize("data, text", REFUSALS.values(), ids=REFUSALS.keys())
def test_unfit_data_are_refused(data, text):
    with pytest.raises(DataError, match=text):
        read(data)


@pytest.mark.parametrize(
    "data, batch_size, text",
    [
        pytest.param((IMAGES, LABELS), 0, "batch_size=0", id="batch-size"),
        pytest.param("x.npz", 4, "Received str as data", id="form"),
    ],
)
def test_wrong_arguments_are_refused_before_iterating(data, batch_size, text):
    with pytest.raises(DataError, match=text):
        labelled_batches(data, input_shape=SHAPE, batch_size=batch_size)
