"""The last layer, fitted to what the last neurons emit."""

import keras
import numpy as np
import pytest

from tests.support.convertible import make_images
from tfsnn import calibrate, convert
from tfsnn.calibration import (
    BiasCalibration,
    MmseThreshold,
    Pipeline,
    ReadoutCalibration,
    SweepConfig,
)
from tfsnn.conversion.spiking import build_spiking_model
from tfsnn.types import NeuronParameters, ReadoutParameters

T = 2
IMAGES = make_images(64)
STEPS = (MmseThreshold(), BiasCalibration())
layers = keras.layers


def network(head=None, use_bias=True):
    keras.utils.set_random_seed(0)
    inputs = keras.Input(IMAGES.shape[1:])
    x = layers.Conv2D(8, 3, activation="relu")(inputs)
    x = layers.Conv2D(8, 3, activation="relu")(x)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dense(5, use_bias=use_bias, activation=head, name="logits")(x)
    return keras.Model(inputs, x)


def calibrated(model, readout, lag=0, **options):
    config = SweepConfig(lag=lag, progress=False, **options)
    pipeline = Pipeline("p", STEPS, readout=(readout,) if readout else ())
    return calibrate(
        model, IMAGES, timesteps=T, pipeline=pipeline, config=config
    )


def error(result, model):
    difference = result[T](IMAGES) - model(IMAGES)
    return float(np.mean(np.square(difference)))


@pytest.mark.parametrize("lag", [0, 1, T])
def test_outputs_come_closer(lag):
    model = network()
    plain = calibrated(model, None, lag)
    fitted = calibrated(model, ReadoutCalibration(), lag)
    assert error(fitted, model) < 0.9 * error(plain, model)
    step = fitted.steps[-1]
    assert (step.segment, step.strategy) == ("readout", "ReadoutCalibration")
    assert step.accepted and step.error_after < step.error_before
    # Neurons are as without it.
    assert [s.error_after for s in fitted.steps[:-1]] == (
        [s.error_after for s in plain.steps]
    )


def test_is_a_ridge_regression_on_mean_spikes():
    model = network()
    fitted = calibrated(model, ReadoutCalibration(ridge=0.5))
    conversion = fitted.conversion
    neurons = {
        name: values
        for name, values in fitted.parameters[T].items()
        if isinstance(values, NeuronParameters)
    }
    spiking = build_spiking_model(
        conversion.graph,
        timesteps=T,
        lag=0,
        kind=conversion.config.kind,
        parameters=neurons,
    )
    features = keras.Model(spiking.inputs[0], spiking.get_layer("logits").input)
    order = np.random.default_rng(0).permutation(len(IMAGES))
    fit = order[np.arange(len(IMAGES)) % 4 != 3]
    mean = np.reshape(features(IMAGES), (T, len(IMAGES), -1)).mean(axis=0)
    kernel, bias = model.get_layer("logits").get_weights()
    x = mean[fit].astype("float64")
    y = model(IMAGES).numpy()[fit] - (x @ kernel + bias)
    centred = x - x.mean(axis=0)
    gram = centred.T @ centred
    gram += 0.5 * np.trace(gram) / len(gram) * np.eye(len(gram))
    change = np.linalg.solve(gram, centred.T @ (y - y.mean(axis=0)))
    got, shift = fitted.parameters[T]["readout"].weights["logits"]
    np.testing.assert_allclose(got, kernel + change, atol=2e-5)
    expected = bias + y.mean(axis=0) - x.mean(axis=0) @ change
    np.testing.assert_allclose(shift, expected, atol=2e-5)


def test_a_softmax_stays_behind_it():
    model = network(head="softmax")
    fitted = calibrated(model, ReadoutCalibration())
    np.testing.assert_allclose(np.sum(fitted[T](IMAGES), axis=-1), 1, rtol=1e-5)
    assert error(fitted, model) < error(calibrated(model, None), model)


def test_a_layer_without_bias_keeps_none():
    model = network(use_bias=False)
    fitted = calibrated(model, ReadoutCalibration())
    assert len(fitted.parameters[T]["readout"].weights["logits"]) == 1
    assert error(fitted, model) < error(calibrated(model, None), model)


def test_a_fit_that_does_not_help_is_refused():
    class Wrong(ReadoutCalibration):
        def __call__(self, tap, parameters, timesteps):
            found = super().__call__(tap, parameters, timesteps)
            return ReadoutParameters(
                {k: tuple(-10 * w for w in v) for k, v in found.weights.items()}
            )

    fitted = calibrated(network(), Wrong())
    assert not fitted.steps[-1].accepted
    assert fitted.parameters[T]["readout"].weights is None


def test_a_readout_without_a_kernel_stays():
    inputs = keras.Input(IMAGES.shape[1:])
    x = layers.Conv2D(3, 3, activation="relu")(inputs)
    model = keras.Model(inputs, layers.GlobalAveragePooling2D()(x))
    fitted = calibrated(model, ReadoutCalibration())
    assert not fitted.steps[-1].accepted
    assert np.isfinite(fitted[T](IMAGES)).all()


def test_is_taken_over_from_a_checkpoint(tmp_path):
    model = convert(network())
    first = calibrated(model, ReadoutCalibration(), checkpoint=tmp_path / "c")
    again = calibrated(model, ReadoutCalibration(), checkpoint=tmp_path / "c")
    for one, other in zip(
        first.parameters[T]["readout"].weights["logits"],
        again.parameters[T]["readout"].weights["logits"],
        strict=True,
    ):
        np.testing.assert_array_equal(one, other)
    assert first.steps == again.steps


def test_is_in_the_record_and_counted():
    fitted = calibrated(network(), ReadoutCalibration())
    assert fitted.to_dict()["pipeline"]["readout"] == [
        {"name": "ReadoutCalibration", "ridge": 0.1}
    ]
    assert fitted.parameter_bytes[str(T)]["weights"] == 4 * (8 * 5 + 5)


@pytest.mark.parametrize("ridge", [0, -1.0, float("inf"), None])
def test_out_of_range_is_refused(ridge):
    with pytest.raises(ValueError, match="ridge=.*Supported"):
        ReadoutCalibration(ridge)
