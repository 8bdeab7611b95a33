"""The edge from the part without time to the part with time."""

import keras
import numpy as np
import pytest

from tfsnn.layers import RepeatTime, TimeAverage

T = 4


@pytest.mark.parametrize("batch", [0, 1, 2, 3])
def test_repeats_time_first(batch, rng):
    constant = rng.normal(size=(batch, 2, 3)).astype("float32")
    expected = np.concatenate([constant] * T)
    np.testing.assert_array_equal(RepeatTime(T)(constant), expected)


def test_time_average_undoes_it(rng):
    constant = rng.normal(size=(2, 3)).astype("float32")
    # The sum of four equal numbers and its quarter are exact.
    np.testing.assert_array_equal(
        TimeAverage(T)(RepeatTime(T)(constant)), constant
    )


@pytest.mark.parametrize("dtype", ["uint8", "float32", "bfloat16"])
@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_what_is_repeated_keeps_its_dtype(policy, dtype):
    layer = RepeatTime(T, dtype=policy)
    assert layer(keras.Input((3,), dtype=dtype)).dtype == dtype
    assert layer(keras.ops.ones((1, 3), dtype)).dtype == dtype


@pytest.mark.parametrize(("batch", "expected"), [(2, 8), (None, None)])
def test_output_shape(batch, expected):
    assert RepeatTime(T).compute_output_shape((batch, 3)) == (expected, 3)


def test_timesteps_are_checked():
    with pytest.raises(ValueError, match="timesteps=1.5. Supported"):
        RepeatTime(1.5)
