import numpy as np
import pytest
import tensorflow as tf

from tfsnn_models import datasets


def examples(count=12):
    images = np.arange(count * 4 * 4).reshape(count, 4, 4, 1) % 251 + 1
    labels = np.arange(count, dtype="int64")
    return tf.data.Dataset.from_tensor_slices((images.astype("uint8"), labels))


def training(seed=0):
    batches = datasets.training_batches(
        examples(), batch_size=5, padding=1, seed=seed
    )
    return batches, list(batches.as_numpy_iterator())


def test_training_drops_the_partial_batch():
    batches, found = training()
    assert len(found) == int(batches.cardinality()) == 2
    for images, labels in found:
        assert images.dtype == np.float32
        assert images.shape == (5, 4, 4, 1)
        assert labels.shape == (5,)


def test_training_depends_on_the_seed_alone():
    for a, b in zip(training()[1], training()[1], strict=True):
        np.testing.assert_array_equal(a[0], b[0])
        np.testing.assert_array_equal(a[1], b[1])
    assert any(
        np.any(a[0] != b[0])
        for a, b in zip(training(0)[1], training(1)[1], strict=True)
    )


def test_every_epoch_has_another_order():
    batches, first = training()
    second = list(batches.as_numpy_iterator())
    labels = [
        np.concatenate([y for _, y in epoch]) for epoch in (first, second)
    ]
    assert np.any(labels[0] != labels[1])


def test_crops_are_parts_of_the_padded_image_or_its_mirror():
    image = tf.reshape(tf.cast(tf.range(1, 17), tf.uint8), [4, 4, 1])
    padded = np.pad(image.numpy(), [(1, 1), (1, 1), (0, 0)])
    crops = [padded[i : i + 4, j : j + 4] for i in range(3) for j in range(3)]
    crops += [crop[:, ::-1] for crop in crops]
    seen = set()
    for seed in range(60):
        got = datasets.augment(image, tf.constant([seed, 7]), padding=1).numpy()
        found = [n for n, c in enumerate(crops) if np.array_equal(c, got)]
        assert found
        seen.update(found)
    assert len(seen) > 12


def test_evaluation_keeps_the_order_and_every_image():
    batches = datasets.evaluation_batches(examples(), batch_size=5)
    labels = np.concatenate([y for _, y in batches.as_numpy_iterator()])
    np.testing.assert_array_equal(labels, np.arange(12))


@pytest.mark.parametrize("name", datasets.CARDS)
def test_cards_fit_their_images(name):
    card = datasets.CARDS[name]
    assert len(card.pixel_mean) == len(card.pixel_std) == card.input_shape[-1]
    assert card.name == name
