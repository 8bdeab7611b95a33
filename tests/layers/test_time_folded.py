"""Any Keras layer on data with an explicit time axis."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfsnn.layers import IFCell, SpikingRNN, TimeFolded

T = 4


@pytest.fixture
def frames(rng):
    return rng.normal(size=(2, T, 6, 6, 3)).astype("float32")


@pytest.mark.parametrize(
    "layer",
    [
        keras.layers.Conv2D(2, 3),
        keras.layers.DepthwiseConv2D(3, padding="same"),
        keras.layers.AveragePooling2D(2),
        keras.layers.Flatten(),
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dense(2),
    ],
    ids=lambda layer: layer.name,
)
def test_equals_the_layer_at_every_step(layer, frames):
    outputs = TimeFolded(layer)(frames)
    steps = [layer(frames[:, step]) for step in range(T)]
    # A larger batch may be summed in another order by the same kernel.
    np.testing.assert_allclose(outputs, np.stack(steps, 1), rtol=0, atol=1e-6)


def test_a_step_is_not_mixed_with_another(frames):
    outputs = TimeFolded(keras.layers.Rescaling(2.0))(frames)
    np.testing.assert_array_equal(outputs, 2 * frames)


@pytest.mark.parametrize("batch", [0, 1, 3])
def test_any_batch(batch):
    layer = TimeFolded(keras.layers.Dense(2))
    assert layer(np.zeros((batch, T, 3), "float32")).shape == (batch, T, 2)


def test_unknown_axes_run_in_a_graph(frames):
    inputs = keras.Input((None, None, None, 3))
    layer = TimeFolded(keras.layers.Conv2D(2, 3))
    outputs = layer(inputs)
    assert outputs.shape == (None, None, None, None, 2)
    spec = tf.TensorSpec([None, None, None, None, 3])
    graph = tf.function(keras.Model(inputs, outputs), input_signature=[spec])
    assert graph(frames).shape == (2, T, 4, 4, 2)


def test_known_axes_stay_known():
    layer = TimeFolded(keras.layers.Conv2D(2, 3))
    assert layer(keras.Input((T, 6, 6, 3))).shape == (None, T, 4, 4, 2)


def test_training_reaches_the_layer(frames):
    layer = TimeFolded(keras.layers.Dropout(0.5, seed=0))
    np.testing.assert_array_equal(layer(frames, training=False), frames)
    assert np.mean(layer(frames, training=True) == 0) > 0.3


def test_weights_are_those_of_the_layer(frames):
    inner = keras.layers.Dense(2)
    layer = TimeFolded(inner)
    layer(frames)
    assert [w is v for w, v in zip(layer.weights, inner.weights, strict=True)]
    assert len(layer.trainable_weights) == 2


def test_a_spiking_network_by_hand_trains_no_neuron(frames):
    inputs = keras.Input(frames.shape[1:])
    current = TimeFolded(keras.layers.Conv2D(4, 3))(inputs)
    spikes = SpikingRNN(IFCell())(current)
    model = keras.Model(inputs, spikes)
    assert model(frames).shape == (2, T, 4, 4, 4)
    assert len(model.trainable_weights) == 2
