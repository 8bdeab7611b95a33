import functools

import keras
import numpy as np
import pytest

from tests.support.convertible import make_images
from tfsnn import SweepConfig, calibrate, convert
from tfsnn.calibration import MaximumThreshold, Pipeline, ReadoutDelay
from tfsnn.calibration.strategy import describe
from tfsnn.layers import TimeAverage

T = 8
IMAGES = make_images(64)
FIRST = MaximumThreshold(initial_charge=0.0)
layers = keras.layers


@functools.cache
def network(num_outputs=1):
    """Deep, so that its last neurons have nothing to fire at first."""
    keras.utils.set_random_seed(0)
    x = inputs = keras.Input(IMAGES.shape[1:])
    for _ in range(3):
        x = layers.Conv2D(4, 3, padding="same", activation="relu")(x)
    x = layers.GlobalAveragePooling2D()(x)
    outputs = [layers.Dense(5)(x) for _ in range(num_outputs)]
    return keras.Model(inputs, outputs[0] if num_outputs == 1 else outputs)


@functools.cache
def conversion(num_outputs):
    return convert(network(num_outputs))


def calibrated(*readout, outputs=1, lag=0, guarded=True):
    return calibrate(
        conversion(outputs),
        IMAGES,
        timesteps=T,
        pipeline=Pipeline("p", (FIRST,), guarded, readout),
        config=SweepConfig(lag=lag, progress=False),
    )


def test_the_best_delay_is_found():
    found = calibrated(ReadoutDelay())
    plain = calibrated()[T]
    (readout,) = [x for x in plain.layers if isinstance(x, TimeAverage)]
    steps = keras.Model(plain.inputs[0], readout.input)(IMAGES)
    order = np.random.default_rng(0).permutation(len(IMAGES))
    fit = order[np.arange(len(IMAGES)) % 4 != 3]
    x = np.reshape(steps, (T, len(IMAGES), -1))[:, fit]
    z = network()(IMAGES).numpy()[fit]
    errors = [np.square(x[d:].mean(axis=0) - z).sum() for d in range(T)]
    best = int(np.argmin(errors))
    assert best > 0
    weights = [0] * best + [T / (T - best)] * (T - best)
    np.testing.assert_allclose(
        found.parameters[T]["readout"].step_weights, weights, rtol=1e-6
    )
    step = found.steps[-1]
    assert step.strategy == "ReadoutDelay" and step.accepted
    assert step.error_after < step.error_before
    target = network()(IMAGES)
    before, after = (
        np.square(model(IMAGES) - target).mean() for model in (plain, found[T])
    )
    assert after < before


@pytest.mark.parametrize(("steps", "used"), [(1, 1), (99, T - 1)])
def test_a_delay_can_be_chosen(steps, used):
    found = calibrated(ReadoutDelay(steps), guarded=False)
    weights = found.parameters[T]["readout"].step_weights
    np.testing.assert_array_equal(weights == 0, np.arange(T) < used)
    assert weights.mean() == pytest.approx(1, rel=1e-6)


@pytest.mark.parametrize(
    ("outputs", "lag", "steps"), [(1, T, 1), (2, 0, None), (2, 0, 1), (1, 0, 0)]
)
def test_what_cannot_wait_stays_as_it_is(outputs, lag, steps):
    found = calibrated(ReadoutDelay(steps), outputs=outputs, lag=lag)
    readouts = [n for n in found.parameters[T] if n.startswith("readout")]
    assert len(readouts) == outputs
    for name in readouts:
        assert found.parameters[T][name].step_weights is None


def test_describes_itself():
    assert describe(ReadoutDelay(2)) == {"name": "ReadoutDelay", "steps": 2}


@pytest.mark.parametrize("steps", [-1, 1.5, True, "1"])
def test_out_of_range_is_refused(steps):
    with pytest.raises(ValueError, match="steps=.*Supported: whole numbers"):
        ReadoutDelay(steps)
