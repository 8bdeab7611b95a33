"""Max pooling of spikes; what every layer must do is in tests/conformance."""

import keras
import numpy as np
import pytest

from tfsnn.layers import SpikingMaxPooling

T = 4
layers = keras.layers
POOLS = {
    "overlapping": layers.MaxPooling2D(3, strides=2, padding="same"),
    "valid": layers.MaxPooling2D((2, 1)),
    "global": layers.GlobalMaxPooling2D(),
}
every_pool = pytest.mark.parametrize("pool", POOLS.values(), ids=POOLS)


def images(rng, batch=2):
    values = rng.integers(-4, 5, (T * batch, 5, 5, 3)) / 4
    return values.astype("float32")


@every_pool
def test_the_mean_over_time_is_the_pool_of_the_mean(pool, rng):
    train = images(rng)
    outputs = SpikingMaxPooling(T, pool)(train).numpy()
    mean = train.reshape(T, 2, 5, 5, 3).mean(axis=0)
    np.testing.assert_array_equal(
        outputs.reshape(T, 2, *outputs.shape[1:]).mean(axis=0), pool(mean)
    )


@every_pool
@pytest.mark.parametrize("batch", [1, 3])
def test_step_by_step(pool, batch, rng):
    layer = SpikingMaxPooling(T, pool)
    train = images(rng, batch)
    state = layer.initial_state((5, 5, 3), batch)
    outputs = []
    for inputs in train.reshape(T, batch, 5, 5, 3):
        out, state = layer.step(inputs, state)
        outputs.append(out)
    np.testing.assert_array_equal(np.concatenate(outputs), layer(train))


@every_pool
def test_state_spec(pool):
    layer = SpikingMaxPooling(T, pool)
    for spec, value in zip(
        layer.state_spec((5, 5, 3)),
        layer.initial_state((5, 5, 3), 2),
        strict=True,
    ):
        assert spec.is_compatible_with(value)


def test_totals_are_exact_in_half_precision():
    layer = SpikingMaxPooling(512, POOLS["global"], dtype="mixed_bfloat16")
    spikes = np.ones((512, 2, 2, 1), "float32")
    assert np.sum(layer(spikes).numpy().astype("float32")) == 512


def test_data_format_is_that_of_the_pool():
    layer = SpikingMaxPooling(T, layers.MaxPooling2D(2))
    assert layer.data_format == "channels_last"


@pytest.mark.parametrize(
    ("timesteps", "pool", "message"),
    [
        (0, layers.MaxPooling2D(2), "timesteps=0. Supported"),
        (T, layers.AveragePooling2D(2), "pool=<AveragePooling2D.*Supported: M"),
    ],
)
def test_bad_arguments(timesteps, pool, message):
    with pytest.raises(ValueError, match=message):
        SpikingMaxPooling(timesteps, pool)
