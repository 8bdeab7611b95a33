"""A factor and an offset per channel."""

import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfsnn.layers import ChannelAffine

SCALE, OFFSET = np.array([2.0, -1.0, 0.5]), np.array([1.0, 0.0, -4.0])


@pytest.mark.parametrize("features", [(3,), (4, 3), (4, 5, 3)], ids=len)
@pytest.mark.parametrize("batch", [0, 1, 2])
def test_scales_and_shifts_the_last_axis(batch, features, rng):
    layer = ChannelAffine()
    layer.build((None, *features))
    layer.set_weights([SCALE, OFFSET])
    inputs = rng.integers(-8, 8, (batch, *features)) / 4
    np.testing.assert_array_equal(
        layer(inputs.astype("float32")), inputs * SCALE + OFFSET
    )


def test_without_offset(rng):
    layer = ChannelAffine(use_offset=False)
    layer.build((None, 3))
    layer.set_weights([SCALE])
    inputs = rng.integers(-8, 8, (2, 3)) / 4
    np.testing.assert_array_equal(
        layer(inputs.astype("float32")), inputs * SCALE
    )


def test_starts_as_the_identity(rng):
    inputs = rng.normal(size=(2, 3)).astype("float32")
    np.testing.assert_array_equal(ChannelAffine()(inputs), inputs)


def test_whole_numbers_are_scaled_as_floats():
    layer = ChannelAffine()
    layer.build((None, 3))
    layer.set_weights([SCALE, OFFSET])
    outputs = layer(np.ones((1, 3), "uint8"))
    assert outputs.dtype == tf.float32
    np.testing.assert_array_equal(outputs, [SCALE + OFFSET])


def test_is_trained_by_gradients():
    layer = ChannelAffine()
    layer.build((None, 3))
    assert len(layer.trainable_weights) == 2


def test_unknown_channels_are_refused():
    message = (
        "Layer 'affine' (ChannelAffine) received the shape (None, None)."
        " Supported: a known last axis. Give the Input its number of channels."
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        ChannelAffine(name="affine")(keras.Input((None,)))
