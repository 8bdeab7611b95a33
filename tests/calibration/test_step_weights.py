"""Weights of the steps in the read-out."""

import keras
import numpy as np
import pytest

from tests.support.convertible import make_images
from tfsnn import SweepConfig, calibrate, convert
from tfsnn.calibration import (
    BiasCalibration,
    MmseThreshold,
    Pipeline,
    ReadoutCalibration,
    StepWeightCalibration,
)
from tfsnn.conversion import SteppingForm, counting_model
from tfsnn.conversion.timetable import timetable
from tfsnn.errors import ConversionError
from tfsnn.evaluation.folded import FoldedRunner
from tfsnn.evaluation.runners import TARGETS
from tfsnn.evaluation.stepped import SteppedRunner
from tfsnn.graph.trace import trace
from tfsnn.layers import TimeAverage
from tfsnn.types import ReadoutParameters

T = 4
IMAGES = make_images(64)
STEPS = (MmseThreshold(), BiasCalibration())
WEIGHTS = np.float32([0, 0.5, 1.5, 2])
layers = keras.layers


def network(num_outputs=1):
    keras.utils.set_random_seed(0)
    inputs = keras.Input(IMAGES.shape[1:])
    x = layers.Conv2D(8, 3, activation="relu")(inputs)
    x = layers.Conv2D(8, 3, activation="relu")(x)
    x = layers.GlobalAveragePooling2D()(x)
    outputs = [layers.Dense(5)(x) for _ in range(num_outputs)]
    return keras.Model(inputs, outputs[0] if num_outputs == 1 else outputs)


def calibrated(model, *readout, lag=0, **options):
    return calibrate(
        model,
        IMAGES,
        timesteps=T,
        pipeline=Pipeline("p", STEPS, readout=readout),
        config=SweepConfig(lag=lag, progress=False, **options),
    )


def weighted(lag=0):
    conversion = convert(network())
    parameters = {"readout": ReadoutParameters(step_weights=WEIGHTS)}
    return conversion.spiking_model(T, lag=lag, parameters=parameters)


def readout_of(model):
    (layer,) = [x for x in model.layers if isinstance(x, TimeAverage)]
    return layer


def error(result, model):
    return float(np.mean(np.square(result[T](IMAGES) - model(IMAGES))))


def test_outputs_come_closer():
    model = network()
    plain = calibrated(model, ReadoutCalibration())
    timed = calibrated(model, ReadoutCalibration(), StepWeightCalibration())
    assert error(timed, model) < error(plain, model)
    step = timed.steps[-1]
    assert step.strategy == "StepWeightCalibration" and step.accepted
    assert step.error_before == plain.steps[-1].error_after
    assert timed.parameter_bytes[str(T)]["step_weights"] == 4 * T


def test_is_a_ridge_regression_on_the_steps():
    model = network()
    found = calibrated(model, StepWeightCalibration(ridge=0.5))
    plain = calibrated(model)[T]
    steps = keras.Model(plain.inputs[0], readout_of(plain).input)(IMAGES)
    order = np.random.default_rng(0).permutation(len(IMAGES))
    fit = order[np.arange(len(IMAGES)) % 4 != 3]
    x = np.reshape(steps, (T, len(IMAGES), -1))[:, fit].astype("float64") / T
    x = x.reshape(T, -1)
    z = model(IMAGES).numpy()[fit].reshape(-1)
    penalty = 0.5 * np.trace(x @ x.T) / T * np.eye(T)
    change = np.linalg.solve(x @ x.T + penalty, x @ (z - x.sum(axis=0)))
    got = found.parameters[T]["readout"].step_weights
    np.testing.assert_allclose(got, 1 + change, rtol=1e-4)
    np.testing.assert_array_equal(readout_of(found[T]).step_weights, got)


def test_spikes_that_are_counted_have_no_steps():
    found = calibrated(network(), StepWeightCalibration(), lag=T)
    assert found.parameters[T]["readout"].step_weights is None
    assert not found.steps[-1].accepted


def test_several_outputs_stay_as_they_are():
    found = calibrated(network(2), StepWeightCalibration())
    for name in ("readout", "readout_1"):
        assert found.parameters[T][name].step_weights is None


def test_several_outputs_cannot_be_given_weights():
    conversion = convert(network(2))
    parameters = {"readout": ReadoutParameters(step_weights=WEIGHTS)}
    with pytest.raises(ValueError, match="several read-outs. Supported: one"):
        conversion.spiking_model(T, parameters=parameters)


def test_is_taken_over_from_a_checkpoint(tmp_path):
    model = convert(network())
    first, again = (
        calibrated(model, StepWeightCalibration(), checkpoint=tmp_path / "c")
        for _ in range(2)
    )
    np.testing.assert_array_equal(
        first.parameters[T]["readout"].step_weights,
        again.parameters[T]["readout"].step_weights,
    )


@pytest.mark.parametrize("lag", [0, 1, T])
def test_stepping_answers_the_same(lag):
    model = weighted(lag)
    stepped = SteppingForm(model).run(IMAGES)
    np.testing.assert_allclose(stepped, model(IMAGES), rtol=1e-5, atol=1e-6)


def test_evaluations_agree():
    model = weighted()
    graph = trace(model)
    targets = np.stack([np.argmax(model(IMAGES), axis=-1)] * TARGETS)
    folded, stepped = (
        runner(IMAGES, targets).hits
        for runner in (
            FoldedRunner(graph.model, timetable(graph)),
            SteppedRunner(SteppingForm(model)),
        )
    )
    np.testing.assert_array_equal(folded[-1], len(IMAGES))
    np.testing.assert_array_equal(folded, stepped)


def test_counts_know_no_steps():
    with pytest.raises(ConversionError, match="has weights of its steps"):
        counting_model(weighted(T))


def test_weights_outlast_a_file(tmp_path):
    model = weighted()
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(again(IMAGES), model(IMAGES))


@pytest.mark.parametrize("ridge", [0, -1.0, float("inf"), None])
def test_out_of_range_is_refused(ridge):
    with pytest.raises(ValueError, match="ridge=.*Supported"):
        StepWeightCalibration(ridge)
