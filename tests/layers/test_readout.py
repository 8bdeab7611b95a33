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


def test_steps_are_weighed(rng):
    sequence = rng.integers(-32, 32, (T, 2, 3)) / 16
    weights = [0, 1, 2.5, -0.5]
    layer = TimeAverage(T, weights=weights)
    outputs = layer(sequence.reshape(-1, 3).astype("float32"))
    expected = np.tensordot(weights, sequence, axes=1) / T
    np.testing.assert_array_equal(outputs, expected)
    for step, weight in [(0, 0), (2, 2.5), (3, -0.5), (7, -0.5)]:
        value = layer.weighted_step(tf.constant([2.0]), tf.constant(step))
        np.testing.assert_array_equal(value, [2 * weight])


def test_weights_are_in_the_config():
    layer = TimeAverage(2, weights=np.float32([0.5, 1.5]))
    config = layer.get_config()
    assert config["weights"] == [0.5, 1.5]
    assert TimeAverage.from_config(config).step_weights == (0.5, 1.5)
    assert TimeAverage(2).get_config()["weights"] is None


@pytest.mark.parametrize("weights", [[1.0], [[1.0, 1.0]], [1.0, np.nan]])
def test_weights_are_checked(weights):
    with pytest.raises(ValueError, match="timesteps=2. Supported: 2 finite"):
        TimeAverage(2, weights=weights)
