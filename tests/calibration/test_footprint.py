"""Bytes that a calibration holds, against sums and against a real run."""

import keras
import pytest

import tfsnn
from tests.support.convertible import build, make_images
from tfsnn.calibration import sweep
from tfsnn.calibration.footprint import held_bytes


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
    """The second layer reads 30 neurons: activations and spikes."""
    current = max(timesteps) * 4 * 30
    assert (
        held_bytes(_dense(10, 30, 20), 16, timesteps)
        == 16 * (4 * 30 + 30 * spikes + 4 * 20) + current
    )


def test_what_a_shortcut_reads_lives_until_it_is_read():
    """At the sum: 10 neurons of the shortcut, 20 of the branch, 10 new."""
    assert (
        held_bytes(_residual(), 16, [8])
        == 16 * ((4 + 1) * (10 + 20) + 4 * 10) + 8 * 4 * 20
    )


@pytest.mark.parametrize("timesteps", [8, 4096])
def test_two_phase_holds_means_for_any_t(timesteps):
    held = held_bytes(_dense(10, 30, 20), 16, [timesteps], lag=timesteps)
    assert held == 16 * (4 * 30 + 4 * 30 + 4 * 20) + 4 * 30


def test_images_of_any_size():
    image = keras.Input((None, None, 1))
    x = keras.layers.Conv2D(4, 3, activation="relu")(image)
    x = keras.layers.GlobalAveragePooling2D()(x)
    conversion = tfsnn.convert(keras.Model(image, keras.layers.Dense(2)(x)))
    assert held_bytes(conversion, 16, [9]) is None


@pytest.mark.parametrize(
    "name", ["residual", "pre_activation", "concatenated", "two_outputs"]
)
@pytest.mark.parametrize("lag", [0, 16])
def test_never_more_than_a_run_really_holds(monkeypatch, name, lag):
    """Of all T but the currents of junctions, and with the analog front."""
    model = build(name)
    images = make_images(16)
    held, finish, init = [], sweep.finish, sweep.AnalogFront.__init__
    fronts, analog = {}, []

    def kept(self, *arguments):
        init(self, *arguments)
        analog.append(self)

    def measured(task, front, *rest):
        fronts[front.timesteps] = front
        spikes = sum(f.num_bytes - f.num_current_bytes for f in fronts.values())
        activations = analog[0]._store.num_bytes + task.target.nbytes
        held.append(spikes + activations)
        return finish(task, front, *rest)

    monkeypatch.setattr(sweep.AnalogFront, "__init__", kept)
    monkeypatch.setattr(sweep, "finish", measured)
    config = tfsnn.SweepConfig(progress=False, lag=lag)
    timesteps = [8, 16]
    conversion = tfsnn.convert(model)
    tfsnn.calibrate(conversion, images, timesteps=timesteps, config=config)
    nothing = held_bytes(conversion, 0, timesteps, lag)  # The current alone.
    bound = held_bytes(conversion, 16, timesteps, lag) - nothing
    assert max(held) / 2 < bound <= max(held)
