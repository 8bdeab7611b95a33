"""Temporal switch coding against its receiver, written out in NumPy."""

import keras
import numpy as np
import pytest

import tfsnn
from tests.reference.neuron import integrate_and_fire
from tests.support.dyadic_dense import currents, images, network, weights
from tfsnn import baselines
from tfsnn.errors import ConversionError

N, T = 16, 12


def spiking(source, data, pipeline, **options):
    conversion = tfsnn.convert(source, config=tfsnn.ConversionConfig(**options))
    result = tfsnn.calibrate(conversion, data, timesteps=[T], pipeline=pipeline)
    model = result[T]
    for layer in model.layers:
        if hasattr(layer, "cell"):
            layer.cell.threshold.assign(
                keras.ops.ones_like(layer.cell.threshold)
            )
    return model


def test_a_running_current_of_switches_brings_what_spikes_bring():
    """The network is simulated by events alone, as Han and Roy wire it."""
    current = currents("first", images(N))
    trains = [integrate_and_fire([current] * T).spikes]
    events = np.diff(trains[0], axis=0, prepend=0 * trains[0][:1])
    kernel, bias = weights("second")
    running, arriving = 0.0, []
    for event in events:
        running = running + event @ kernel
        arriving.append(running + bias)
    trains.append(integrate_and_fire(arriving).spikes)

    model = spiking(network(), images(N), baselines.tsc())
    rows = baselines.switch_activity(model, images(N), num_images=N)
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
    ones = np.ones((64, 1), "float32")
    model = spiking(model, ones, baselines.tsc())
    (row,) = baselines.switch_activity(model, ones[:3])
    assert (row.spikes, row.switches) == (T, 2)


def test_other_neurons_are_refused():
    model = spiking(
        network(), images(N), tfsnn.pipelines.uncalibrated(), neuron="burst"
    )
    with pytest.raises(ConversionError, match="Supported: plain neurons"):
        baselines.switch_activity(model, images(N))
