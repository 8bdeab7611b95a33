import keras
import numpy as np
import pytest
import tensorflow as tf

from tfsnn_models import augmentation


def test_crops_are_parts_of_the_padded_image_or_its_mirror():
    image = tf.reshape(tf.cast(tf.range(1, 17), tf.uint8), [4, 4, 1])
    padded = np.pad(image.numpy(), [(1, 1), (1, 1), (0, 0)])
    crops = [padded[i : i + 4, j : j + 4] for i in range(3) for j in range(3)]
    crops += [crop[:, ::-1] for crop in crops]
    seen = set()
    for seed in range(60):
        got = augmentation.pad_crop_mirror(
            image, tf.constant([seed, 7]), padding=1
        ).numpy()
        found = [n for n, c in enumerate(crops) if np.array_equal(c, got)]
        assert found
        seen.update(found)
    assert len(seen) > 12


def test_a_random_share_is_resized():
    """A ramp stays a ramp; equal seeds give equal crops."""
    ramp = np.broadcast_to(np.arange(40.0)[:, None, None], (40, 60, 1))
    image = tf.constant(ramp, tf.float32)

    def crop(seed):
        seed = tf.constant([seed, 7])
        return augmentation.resized_crop_mirror(image, seed, size=(8, 6))

    found = [crop(seed).numpy() for seed in range(20)]
    np.testing.assert_array_equal(found[3], crop(3))
    assert all(one.shape == (8, 6, 1) for one in found)
    assert all((np.diff(one[..., 0], axis=0) >= 0).all() for one in found)
    assert len({one[0, 0, 0] for one in found}) > 10


def test_cutout_blanks_a_quarter_at_most():
    (_, erase) = augmentation.batch_layers("strong", 0)
    images = keras.ops.ones((16, 32, 32, 3)) * 9
    blank = np.mean(np.asarray(erase(images)) == 0, axis=(1, 2, 3))
    assert 0 < blank.max() <= 0.3
    assert np.unique(np.asarray(erase(images))).tolist() == [0, 9]


def test_colour_jitter_stays_in_range():
    (jitter,) = augmentation.batch_layers("imagenet", 0)
    images = np.random.default_rng(0).uniform(0, 255, (4, 8, 8, 3))
    found = np.asarray(jitter(images.astype("float32")))
    assert found.shape == images.shape
    assert found.min() >= 0 and found.max() <= 255
    assert np.any(np.abs(found - images) > 1)


def test_kinds():
    assert augmentation.batch_layers("standard", 0) == []
    with pytest.raises(ValueError, match="augmentation='weak'. Supported: st"):
        augmentation.batch_layers("weak", 0)
