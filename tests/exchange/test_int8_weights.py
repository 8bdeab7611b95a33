"""Kernels on the grid of 8 bits."""

import keras
import numpy as np
import pytest

from tfsnn.exchange import with_int8_weights

layers = keras.layers
KERNELS = {
    "dense": (layers.Dense(4), (8,)),
    "conv": (layers.Conv2D(4, 3), (6, 6, 2)),
    "grouped": (layers.Conv2D(4, 3, groups=2), (6, 6, 2)),
    "depthwise": (layers.DepthwiseConv2D(3, depth_multiplier=2), (6, 6, 2)),
}


def model_of(layer, shape):
    keras.utils.set_random_seed(0)
    layer = type(layer).from_config(layer.get_config())
    image = keras.Input(shape)
    return keras.Model(image, layer(image))


@pytest.mark.parametrize("layer, shape", KERNELS.values(), ids=KERNELS)
def test_every_output_channel_has_a_grid(layer, shape):
    model = model_of(layer, shape)
    before = model.get_weights()[0]
    after = with_int8_weights(model).get_weights()[0]
    assert after.shape == before.shape
    assert not np.array_equal(after, before)
    np.testing.assert_array_equal(model.get_weights()[0], before)
    if "depthwise" in type(layer).__name__.lower():
        columns = after.reshape(9, 4), before.reshape(9, 4)
    else:
        columns = (w.reshape(-1, w.shape[-1]) for w in (after, before))
    for rounded, exact in zip(*(c.T for c in columns), strict=True):
        scale = np.abs(exact).max() / 127
        whole = rounded / scale
        np.testing.assert_allclose(whole, np.round(whole), atol=1e-3)
        assert np.abs(rounded - exact).max() <= scale * 0.501


def test_biases_and_zero_kernels_stay():
    model = model_of(layers.Dense(2), (3,))
    model.set_weights([np.zeros((3, 2)), np.array([0.1, 0.2])])
    kernel, bias = with_int8_weights(model).get_weights()
    assert not kernel.any()
    np.testing.assert_allclose(bias, [0.1, 0.2])


def test_twice_changes_nothing_more():
    once = with_int8_weights(model_of(layers.Dense(4), (8,)))
    twice = with_int8_weights(once)
    np.testing.assert_allclose(
        once.get_weights()[0], twice.get_weights()[0], rtol=1e-6
    )
