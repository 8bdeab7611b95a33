"""Every form of data becomes pairs of images and labels."""

import itertools
import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfsnn import batches
from tfsnn.errors import DataError

IMAGES = np.arange(2 * 4 * 4 * 3).reshape(2, 4, 4, 3)
LABELS = np.array([3, 5])


class Batches(keras.utils.PyDataset):
    """Two batches of one image."""

    def __len__(self):
        return 2

    def __getitem__(self, index):
        return IMAGES[index : index + 1], LABELS[index : index + 1]


class Indexed:
    """As a PyDataset of an older Keras: an index, but no iterator."""

    def __init__(self, num_batches):
        self.num_batches = num_batches

    def __getitem__(self, index):
        return IMAGES[index % 2]


class MapStyle:
    """A length and an index only."""

    def __len__(self):
        return 2

    def __getitem__(self, index):
        return IMAGES[index]


@pytest.mark.parametrize(
    "element",
    [
        pytest.param((IMAGES, LABELS), id="tuple"),
        pytest.param((IMAGES, LABELS, np.ones(2)), id="with-weights"),
        pytest.param([IMAGES, LABELS], id="list"),
        pytest.param({"image": IMAGES, "label": LABELS}, id="image"),
        pytest.param(
            {"images": IMAGES, "labels": LABELS, "id": LABELS}, id="images"
        ),
        pytest.param({"pixels": IMAGES, "label": LABELS}, id="single-key"),
        pytest.param(({"input": IMAGES}, LABELS), id="named-input"),
        pytest.param(([IMAGES], LABELS), id="listed-input"),
        pytest.param((tf.constant(IMAGES), tf.constant(LABELS)), id="tensors"),
        pytest.param((IMAGES.tolist(), LABELS.tolist()), id="nested-lists"),
    ],
)
def test_element_separates_images_from_labels(element):
    images, labels = batches.unpack(element, "here")
    np.testing.assert_array_equal(images, IMAGES)
    np.testing.assert_array_equal(labels, LABELS)


@pytest.mark.parametrize(
    "element",
    [
        pytest.param(IMAGES, id="array"),
        pytest.param(tf.constant(IMAGES), id="tensor"),
        pytest.param([IMAGES], id="tflite-list"),
        pytest.param((IMAGES,), id="tuple-of-one"),
        pytest.param({"input": IMAGES}, id="tflite-dict"),
        pytest.param(IMAGES.tolist(), id="nested-lists"),
    ],
)
def test_element_without_labels_gives_none(element):
    images, labels = batches.unpack(element, "here")
    np.testing.assert_array_equal(images, IMAGES)
    assert labels is None


@pytest.mark.parametrize(
    "element, text",
    [
        pytest.param(
            {"left": IMAGES, "right": IMAGES},
            r"several inputs, or none, as here: entries \['left', 'right'\]",
            id="dict",
        ),
        pytest.param({}, r"several inputs, or none.*\[\]", id="empty-dict"),
        pytest.param(
            ((IMAGES, IMAGES), LABELS),
            r"several inputs, or none, as here: entries \[0, 1\]",
            id="nested-tuple",
        ),
        pytest.param(
            [IMAGES, IMAGES], "2 entries in a list as here", id="list"
        ),
        pytest.param((IMAGES,) * 4, "4 entries in a tuple as here", id="four"),
        pytest.param((), "0 entries in a tuple as here", id="none"),
    ],
)
def test_several_inputs_are_refused(element, text):
    with pytest.raises(DataError, match=text):
        batches.unpack(element, "here")


def test_ragged_images_are_refused():
    ragged = [[[1.0, 2.0], [3.0]]]
    with pytest.raises(DataError, match="cannot be read as an array"):
        batches.to_array(ragged, "here")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(IMAGES, id="array"),
        pytest.param((IMAGES, LABELS), id="tuple"),
        pytest.param({"image": IMAGES}, id="dict"),
    ],
)
def test_arrays_are_recognised_as_whole(data):
    assert batches.whole_arrays(data).images is IMAGES


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(tf.data.Dataset.from_tensor_slices(IMAGES), id="tf.data"),
        pytest.param(Batches(), id="pydataset"),
        pytest.param(Indexed(2), id="indexed"),
        pytest.param(MapStyle(), id="map-style"),
        pytest.param([IMAGES[:1], IMAGES[1:]], id="list-of-batches"),
        pytest.param((image for image in IMAGES), id="generator"),
    ],
)
def test_streams_give_their_elements_in_order(data):
    assert batches.whole_arrays(data) is None
    images = [pair.images.reshape(4, 4, 3) for pair in iterate(data)]
    np.testing.assert_array_equal(images, IMAGES)


def test_indexed_data_without_an_end_are_read_lazily():
    first = itertools.islice(iterate(Indexed(None)), 5)
    assert len(list(first)) == 5


def iterate(data):
    return batches.iterate_pairs(data)


@pytest.mark.parametrize(
    "function",
    [
        pytest.param(lambda: IMAGES, id="array"),
        pytest.param(lambda optional=1: IMAGES, id="default-argument"),
    ],
)
def test_callable_is_called(function):
    assert batches.resolve(function) is IMAGES


def test_array_is_not_called():
    assert batches.resolve(IMAGES) is IMAGES


def test_callable_without_signature_is_called():
    assert batches.resolve(dict) == {}


@pytest.mark.parametrize(
    "data, text",
    [
        pytest.param(None, "Received NoneType as data. Supported", id="none"),
        pytest.param(3, "Received int as data", id="number"),
        pytest.param("tfds:x", "Received str as data", id="text"),
        pytest.param(b"x", "Received bytes as data", id="bytes"),
        pytest.param(
            lambda: None,
            "'<lambda>' as data, which returned NoneType, not an iterable",
            id="returns-none",
        ),
        pytest.param(
            lambda path: path,
            re.escape("needs arguments (missing a required argument: 'path')"),
            id="needs-argument",
        ),
    ],
)
def test_unsupported_forms_are_refused(data, text):
    with pytest.raises(DataError, match=text):
        batches.resolve(data)
