"""Calibration data: bounded, deterministic, read once."""

import itertools
import logging

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfsnn.calibration.images import CalibrationImages
from tfsnn.errors import DataError

SHAPE = (4, 4, 3)
N = 20


def make_images(num_images=N, dtype=np.float32):
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (num_images, *SHAPE)).astype(dtype)


def read(data, **options):
    return CalibrationImages.from_any(data, input_shape=SHAPE, **options)


class Pairs(keras.utils.PyDataset):
    """Batches of six images with labels."""

    def __len__(self):
        return 4

    def __getitem__(self, index):
        rows = slice(6 * index, 6 * index + 6)
        return make_images()[rows], np.arange(N)[rows]


def representative_dataset():
    for image in make_images():
        yield [image[None]]


def as_dataset(*arrays):
    return tf.data.Dataset.from_tensor_slices(*arrays)


LABELS = np.arange(N)
FORMS = {
    "array": lambda: make_images(),
    "tensor": lambda: tf.constant(make_images()),
    "variable": lambda: tf.Variable(make_images()),
    "keras-variable": lambda: keras.Variable(make_images()),
    "tuple": lambda: (make_images(), LABELS),
    "dict": lambda: {"image": make_images(), "label": LABELS},
    "dataset": lambda: as_dataset(make_images()),
    "dataset-pairs": lambda: as_dataset((make_images(), LABELS)),
    "dataset-batched": lambda: as_dataset((make_images(), LABELS)).batch(7),
    "dataset-dict": lambda: as_dataset({"image": make_images(), "id": LABELS}),
    "representative": lambda: representative_dataset,
    "callable-dataset": lambda: lambda: as_dataset(make_images()).batch(3),
    "pydataset": lambda: Pairs(),
    "list-of-batches": lambda: [make_images()[:15], make_images()[15:]],
    "generator": lambda: (image for image in make_images()),
    "generator-pairs": lambda: zip(make_images(), LABELS, strict=True),
    "itself": lambda: read(make_images()),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_every_form_gives_the_same_images(form):
    images = read(form())
    np.testing.assert_array_equal(images.images, make_images())
    assert images.digest == read(make_images()).digest


@pytest.mark.parametrize(
    "dtype", [np.uint8, np.int64, np.float16, np.float64], ids=str
)
def test_numbers_become_float32_unscaled(dtype):
    images = read(make_images(dtype=dtype)).images
    assert images.dtype == np.float32
    np.testing.assert_array_equal(images, make_images())


def test_bfloat16_tensors_are_read():
    images = read(tf.ones([N, *SHAPE], tf.bfloat16)).images
    np.testing.assert_array_equal(images, np.ones([N, *SHAPE], np.float32))


def test_unknown_sizes_accept_any():
    images = CalibrationImages.from_any(
        make_images(), input_shape=(None, None, 3)
    )
    assert images.images.shape == (N, *SHAPE)


def test_vectors_of_integers_that_fit_are_no_labels():
    vectors = [np.arange(5)] * 16
    images = CalibrationImages.from_any(vectors, input_shape=(5,))
    assert images.images.shape == (16, 5)


def test_images_are_contiguous_and_read_only():
    images = read(make_images()).images
    assert images.flags.c_contiguous
    with pytest.raises(ValueError, match="read-only"):
        images[0] = 0


def test_later_changes_of_the_source_are_not_seen():
    source = make_images()
    images = read(source)
    source[:] = 0
    np.testing.assert_array_equal(images.images, make_images())
    assert source.flags.writeable


def test_long_array_gives_a_sample_without_replacement_in_order():
    source = np.zeros((100, *SHAPE), np.float32)
    source += np.arange(100).reshape(-1, 1, 1, 1)
    chosen = read(source, max_images=30).images[:, 0, 0, 0]
    assert len(chosen) == 30
    assert np.all(np.diff(chosen) > 0)
    assert not np.array_equal(chosen, np.arange(30))


def test_sample_depends_on_the_seed_only():
    source = make_images(100)
    digests = [
        read(source, max_images=30, seed=seed).digest for seed in (1, 1, 2)
    ]
    assert digests[0] == digests[1] != digests[2]


def test_stream_gives_its_first_images():
    images = read(as_dataset(make_images(100)).batch(8), max_images=30)
    np.testing.assert_array_equal(images.images, make_images(100)[:30])


def test_endless_stream_is_read_no_further_than_needed():
    counter = itertools.count()
    endless = (np.zeros((5, *SHAPE)) for _ in counter)
    assert len(read(endless, max_images=17)) == 17
    assert next(counter) == 4  # Batches 0 to 3 hold 20 images.


def test_digest_distinguishes_shapes_of_equal_bytes():
    flat = np.zeros((16, 12), np.float32)
    first = CalibrationImages(flat).digest
    assert first != CalibrationImages(flat.reshape(16, 3, 4)).digest
    assert len(first) == 64


def test_few_images_are_logged_not_warned_about(caplog):
    with caplog.at_level(logging.INFO, logger="absl"):
        read(make_images())
        read(make_images(128))
    messages = [record.getMessage() for record in caplog.records]
    assert messages == [
        "Calibrating with 20 images; about 1,024 are recommended."
    ]


def with_values(*values):
    images = make_images()
    images.flat[: len(values)] = values
    return images


REFUSALS = {
    "empty-array": (make_images(0), "no images: the data are empty"),
    "empty-list": ([], "no images: the data are empty"),
    "empty-generator": (lambda: iter(()), "a generator that was read before"),
    "too-small": (make_images(3), "Received 3 images.*too small.*about 1,024"),
    "too-small-stream": (list(make_images(3)), "16. Pass more .* at least 128"),
    "labels-alone": (LABELS, "look like labels in the data"),
    "list-of-labels": (LABELS.tolist(), "Element 0: .*look like labels"),
    "wrong-order": ((LABELS, make_images()), r"Pass the images first, \("),
    "wrong-order-stream": (
        as_dataset((LABELS, make_images())).batch(4),
        r"Element 0: .*shape \(4,\).*labels in the data",
    ),
    "single-image": (make_images()[0], r"single image.*images\[None\]"),
    "channels-first": (
        np.moveaxis(make_images(), -1, 1),
        r"shape \(20, 3, 4, 4\).*\[B, 4, 4, 3\].*channels come first",
    ),
    "size": (np.zeros((N, 5, 5, 3)), r"shape \(20, 5, 5, 3\).*Resize or crop"),
    "nan": (with_values(np.nan, np.nan, np.inf), "2 NaN and 1 infinite"),
    "overflow": (with_values(0).astype(float) * 1e300, "infinite values .as f"),
    "text": (np.full((N, *SHAPE), "a"), "dtype <U1, which is not numeric"),
    "stream-of-text": (["a.png", "b.png"], "Element 0: .*not numeric"),
    "none": (lambda: None, "not an iterable"),
    "two-inputs": (
        [{"left": make_images(), "right": make_images()}],
        r"as element 0 of the data: entries \['left', 'right'\]",
    ),
}


@pytest.mark.parametrize("data, text", REFUSALS.values(), ids=REFUSALS.keys())
def test_unfit_data_are_refused(data, text):
    with pytest.raises(DataError, match=r"(?s)" + text):
        read(data)


def test_missing_channel_axis_is_hinted_at():
    with pytest.raises(DataError, match="channel axis is missing"):
        CalibrationImages.from_any(np.ones((N, 4, 4)), input_shape=(4, 4, 1))


def test_images_of_several_sizes_are_refused():
    images = [np.zeros((4, 4, 3)), np.zeros((5, 4, 3))]
    text = r"Element 1: .*\(5, 4, 3\) after \(4, 4, 3\)"
    with pytest.raises(DataError, match=text):
        CalibrationImages.from_any(images, input_shape=(None, None, 3))


def test_all_problems_are_listed_at_once():
    images = np.full((3, 5, 5, 3), np.nan)
    text = "(?s)3 problems.*Resize or crop.*too small.*225 NaN"
    with pytest.raises(DataError, match=text):
        read(images)


@pytest.mark.parametrize("value", [15, 0, 20.5, None, True], ids=str)
def test_max_images_out_of_range_is_refused(value):
    text = f"max_images={value}. Supported: whole numbers, 16 and more;"
    with pytest.raises(ValueError, match=text):
        read(make_images(), max_images=value)


@pytest.mark.parametrize("value", [-1, 0.5, None, "a"], ids=str)
def test_seed_out_of_range_is_refused(value):
    with pytest.raises(ValueError, match="seed=.*Supported: whole numbers, 0"):
        read(make_images(), seed=value)
