"""Temporal switch coding against its receiver, written out in NumPy."""

import keras
import numpy as np
import pytest

import tfsnn
from tests.reference.neuron import integrate_and_fire
from tfsnn import baselines
from tfsnn.errors import ConversionError

N, T = 16, 12


@pytest.fixture(scope="module")
def network():
    """Weights are multiples of 1/8, thresholds 1: sums are exact."""
    image = keras.Input((4,))
    x = keras.layers.Dense(6, activation="relu", name="first")(image)
    x = keras.layers.Dense(3, activation="relu", name="second")(x)
    model = keras.Model(image, keras.layers.Dense(2)(x))
    rng = np.random.default_rng(3)
    model.set_weights(
        [rng.integers(-6, 9, w.shape) / 8 for w in model.get_weights()]
    )
    return model


@pytest.fixture(scope="module")
def images():
    rng = np.random.default_rng(4)
    return (rng.integers(-8, 9, (N, 4)) / 8).astype("float32")


def spiking(network, images, pipeline, **options):
    conversion = tfsnn.convert(
        network, config=tfsnn.ConversionConfig(**options)
    )
    result = tfsnn.calibrate(
        conversion, images, timesteps=[T], pipeline=pipeline
    )
    model = result[T]
    for layer in model.layers:
        if hasattr(layer, "cell"):
            layer.cell.threshold.assign(
                keras.ops.ones_like(layer.cell.threshold)
            )
    return model


def dense(network, name, values):
    kernel, bias = (
        np.asarray(w, "float64") for w in network.get_layer(name).weights
    )
    return values @ kernel, bias


def test_a_running_current_of_switches_brings_what_spikes_bring(
    network, images
):
    """The network is simulated by events alone, as Han and Roy wire it."""
    weighted, bias = dense(network, "first", images)
    trains = [integrate_and_fire([weighted + bias] * T).spikes]
    events = np.diff(trains[0], axis=0, prepend=0 * trains[0][:1])
    running, currents = 0.0, []
    for event in events:
        weighted, bias = dense(network, "second", event)
        running = running + weighted
        currents.append(running + bias)
    trains.append(integrate_and_fire(currents).spikes)

    model = spiking(network, images, baselines.tsc())
    rows = baselines.switch_activity(model, images, num_images=N)
    assert [row.name for row in rows] == ["first_relu", "second_relu"]
    for row, train in zip(rows, trains, strict=True):
        nothing = 0 * train[:1]
        switches = np.diff(train, axis=0, prepend=nothing, append=nothing)
        assert row.spikes == pytest.approx(train.sum() / train[0].size)
        assert row.switches == pytest.approx(
            np.abs(switches).sum() / train[0].size
        )
    assert rows[1].switches > 0


def test_a_steady_train_is_two_switches():
    model = keras.Sequential(
        [keras.Input((1,)), keras.layers.Dense(1, activation="relu")]
    )
    model.add(keras.layers.Dense(2))
    model.layers[0].set_weights([np.ones((1, 1)), np.zeros(1)])
    images = np.ones((64, 1), "float32")
    model = spiking(model, images, baselines.tsc())
    (row,) = baselines.switch_activity(model, images[:3])
    assert (row.spikes, row.switches) == (T, 2)


def test_other_neurons_are_refused(network, images):
    model = spiking(
        network, images, tfsnn.pipelines.uncalibrated(), neuron="burst"
    )
    with pytest.raises(ConversionError, match="Supported: plain neurons"):
        baselines.switch_activity(model, images)
