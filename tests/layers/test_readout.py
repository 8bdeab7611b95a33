"""The time average at the end of a network."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfsnn.layers import TimeAverage

T = 4


@pytest.mark.parametrize("batch", [0, 1, 2, 3])
def test_is_the_mean_over_time(batch, rng):
    # Multiples of 1/16: the mean of four is exact.
    sequence = rng.integers(-32, 32, (T, batch, 3)) / 16
    outputs = TimeAverage(T)(sequence.reshape(-1, 3).astype("float32"))
    np.testing.assert_array_equal(outputs, sequence.mean(axis=0))


def test_sums_in_float32_under_a_mixed_policy():
    # 256 ones make 256 in bfloat16 as well, but 257 do not.
    layer = TimeAverage(257, dtype="mixed_bfloat16")
    outputs = layer(tf.ones((257, 1), tf.bfloat16))
    assert outputs.dtype == tf.float32
    np.testing.assert_array_equal(outputs, [[1]])


def test_logits_are_announced_in_float32_under_a_mixed_policy():
    layer = TimeAverage(T, dtype="mixed_bfloat16")
    assert layer(keras.Input((3,), dtype="bfloat16")).dtype == "float32"


@pytest.mark.parametrize(("batch", "expected"), [(8, 2), (None, None)])
def test_output_shape(batch, expected):
    assert TimeAverage(T).compute_output_shape((batch, 3)) == (expected, 3)


def test_a_batch_that_is_no_multiple_of_timesteps_fails():
    with pytest.raises(tf.errors.InvalidArgumentError, match="reshape"):
        TimeAverage(T)(np.zeros((T + 1, 3), "float32"))


def test_timesteps_are_checked():
    with pytest.raises(ValueError, match="timesteps=0. Supported"):
        TimeAverage(0)
