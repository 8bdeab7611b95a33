"""Bytes that a calibration holds, against sums and against a real run."""

import functools

import keras
import numpy as np
import pytest

import tfsnn
from tests.support.convertible import build, make_images
from tfsnn.calibration import sweep
from tfsnn.calibration.footprint import Footprint
from tfsnn.graph.segments import is_input


def held_bytes(conversion, *arguments, **options):
    return Footprint(conversion).held_bytes(*arguments, **options)


def _dense(*widths):
    image = keras.Input((3,))
    x = image
    for width in widths:
        x = keras.layers.Dense(width, activation="relu")(x)
    return tfsnn.convert(keras.Model(image, keras.layers.Dense(2)(x)))


def _residual():
    """10 neurons, which 10 others and their sum read; then 5."""
    image = keras.Input((3,))
    x = keras.layers.Dense(10, activation="relu")(image)
    y = keras.layers.Dense(20, activation="relu")(x)
    y = keras.layers.Dense(10)(y)
    y = keras.layers.ReLU()(keras.layers.Add()([x, y]))
    y = keras.layers.Dense(5, activation="relu")(y)
    return tfsnn.convert(keras.Model(image, keras.layers.Dense(2)(y)))


@pytest.mark.parametrize(
    ("timesteps", "spikes"), [([8], 1), ([9], 2), ([8, 16], 1 + 2)]
)
def test_a_chain_holds_what_one_layer_reads_and_answers(timesteps, spikes):
    """The third layer reads 30 neurons: activations and spikes."""
    current = max(timesteps) * 4 * 20
    assert (
        held_bytes(_dense(10, 30, 20), 16, timesteps)
        == 16 * (4 * 30 + 30 * spikes + 4 * 20) + current
    )


def test_what_a_shortcut_reads_lives_until_it_is_read():
    """At the sum: 10 neurons of the shortcut, 20 of the branch, 10 new."""
    assert (
        held_bytes(_residual(), 16, [8])
        == 16 * ((4 + 1) * (10 + 20) + 4 * 10) + 8 * 4 * 10
    )


@pytest.mark.parametrize("timesteps", [8, 4096])
def test_two_phase_holds_means_for_any_t(timesteps):
    conversion = _dense(10, 30, 20)
    held = held_bytes(conversion, 16, [timesteps], lag=timesteps)
    assert held == 16 * (4 * 30 + 4 * 30 + 4 * 20)
    assert Footprint(conversion).current_bytes(16, [timesteps], timesteps) == 0


def test_currents_of_all_images():
    """Of the widest layer that has one at every step; the first has not."""
    footprint = Footprint(_dense(50, 30, 20))
    assert footprint.current_bytes(16, [4, 8]) == 16 * 8 * 4 * 30


def test_images_of_any_size():
    image = keras.Input((None, None, 1))
    x = keras.layers.Conv2D(4, 3, activation="relu")(image)
    x = keras.layers.GlobalAveragePooling2D()(x)
    conversion = tfsnn.convert(keras.Model(image, keras.layers.Dense(2)(x)))
    assert held_bytes(conversion, 16, [9]) is None


def _half_precision():
    """A stream of neurons and junctions, stored in two bytes, compared in 4."""
    layers = functools.partial(keras.layers.Conv2D, padding="same")
    with_half = {"dtype": "float16"}
    image = keras.Input((6, 6, 2))
    x = keras.layers.ReLU(**with_half)(layers(4, 3, **with_half)(image))
    for _ in range(2):
        y = keras.layers.ReLU(**with_half)(layers(4, 3, **with_half)(x))
        x = keras.layers.Add(**with_half)([x, y])
    x = keras.layers.ReLU(**with_half)(x)
    x = keras.layers.Flatten()(x)
    return keras.Model(image, keras.layers.Dense(3)(x))


def _num_bytes(target, others):
    return target.nbytes + sum(
        array.nbytes for array in others if not np.shares_memory(array, target)
    )


@pytest.fixture
def held(monkeypatch):
    """Bytes of a run whenever a segment has answered, images apart."""
    found, fronts = [], []
    start, advance = sweep.AnalogFront.__init__, sweep.AnalogFront.advance
    make = sweep._fronts

    def started(self, *arguments):
        start(self, *arguments)
        fronts.append(self)

    def made(*arguments):
        every = make(*arguments)
        fronts.extend(every)
        return every

    def measured(self, *arguments):
        target = advance(self, *arguments)
        arrays = [
            batch
            for front in fronts
            for source, batches in front._store._batches.items()
            for batch in batches
            if not is_input(source)
        ]
        found.append(_num_bytes(target, arrays))
        return target

    monkeypatch.setattr(sweep.AnalogFront, "__init__", started)
    monkeypatch.setattr(sweep.AnalogFront, "advance", measured)
    monkeypatch.setattr(sweep, "_fronts", made)
    return found


RESIDUAL = "residual"
NETWORKS = [
    RESIDUAL,
    "pre_activation",
    "concatenated",
    "two_outputs",
    "half_precision",
]


def _calibrated(name, lag, neuron="if"):
    """A conversion that was calibrated with 16 images at T = 8 and 16."""
    model = _half_precision() if name == "half_precision" else build(name)
    config = tfsnn.ConversionConfig(neuron=neuron)
    conversion = tfsnn.convert(model, config=config)
    tfsnn.calibrate(
        conversion,
        make_images(16, conversion.analog.input_shape[1:]),
        timesteps=[8, 16],
        config=tfsnn.SweepConfig(progress=False, lag=lag),
    )
    return conversion


def _check(held, conversion, lag):
    footprint = Footprint(conversion)
    bound = footprint.held_bytes(16, [8, 16], lag)
    current = footprint.current_bytes(1, [8, 16], lag)
    assert bound - current <= max(held) <= bound


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("lag", [0, 16])
def test_it_is_what_a_run_really_holds(held, name, lag):
    """But for the images and the currents of junctions."""
    _check(held, _calibrated(name, lag), lag)


def test_spikes_of_several_bits(held):
    _check(held, _calibrated(RESIDUAL, 0, "burst"), 0)


def test_a_lag_of_one_neuron(held):
    conversion = tfsnn.convert(build(RESIDUAL))
    lag = {conversion.neuron_names[-1]: 8}
    _check(held, _calibrated(RESIDUAL, lag), lag)
