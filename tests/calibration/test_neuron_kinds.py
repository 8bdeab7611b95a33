"""Whole calibrations of networks with every kind of neuron."""

import dataclasses
import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.support.convertible import build, make_images
from tests.support.kinds import KINDS
from tfsnn import (
    ConversionConfig,
    SweepConfig,
    calibrate,
    convert,
    export_saved_model,
    pipelines,
)
from tfsnn.calibration import WeightCalibration, visit
from tfsnn.calibration.fronts import AnalogFront
from tfsnn.evaluation import evaluate

T = 4
NETWORK = "residual"
IMAGES = make_images(64)
CLOCKS = [
    pytest.param(name, lag, id=f"{name}, lag {lag}")
    for name in KINDS
    for lag in ((T,) if name == "bit_plane" else (0, 1, T))
]
every_clock = pytest.mark.parametrize(("neuron", "lag"), CLOCKS)


@functools.cache
def conversion(neuron, **options):
    config = ConversionConfig(neuron=neuron, max_spikes=3, **options)
    return convert(build(NETWORK), config=config)


def run(neuron, pipeline=None, timesteps=T, **options):
    return calibrate(
        conversion(neuron),
        IMAGES,
        timesteps=timesteps,
        pipeline=pipeline,
        config=SweepConfig(progress=False, **options),
    )


@functools.cache
def lightly(neuron, lag):
    return run(neuron, lag=lag)


def last_error(result, timesteps=T):
    """Of the last neuron layer, with what was kept."""
    steps = [s for s in result.steps if s.timesteps == timesteps]
    kept = [s for s in steps if s.segment == steps[-1].segment and s.accepted]
    return kept[-1].error_after


@every_clock
def test_light_makes_nothing_worse(neuron, lag):
    """Held-out errors: within each layer, and of what the last one answers."""
    result = lightly(neuron, lag)
    for segment in conversion(neuron).neuron_names:
        errors = [
            step.error_after
            for step in result.steps
            if step.segment == segment and step.accepted
        ]
        assert errors == sorted(errors, reverse=True)
    without = last_error(run(neuron, pipelines.uncalibrated(), lag=lag))
    # Nothing but a guard binds one layer to the errors of those before it.
    assert last_error(result) <= 1.01 * without


@every_clock
def test_what_was_measured_is_what_the_model_does(neuron, lag):
    result = lightly(neuron, lag)
    name = conversion(neuron).neuron_names[-1]
    order = np.random.default_rng(0).permutation(len(IMAGES))
    held = IMAGES[order][3::4]
    model, analog = result[T], conversion(neuron).analog
    assert model.get_layer(name).cell.kind == conversion(neuron).config.kind
    target = keras.Model(analog.input, analog.get_layer(name).output)(held)
    spiking = keras.Model(model.input, model.get_layer(name).output)
    train = np.reshape(spiking(held), (T, *target.shape))
    error = np.square(train.mean(axis=0) - target).mean()
    error /= np.square(target).mean()
    # Sums round differently: a neuron at a tie may fire once more.
    assert error == pytest.approx(last_error(result), rel=1e-2)


def test_more_levels_come_nearer():
    """Two-phase, only the number of levels is left."""
    errors = {name: last_error(lightly(name, T)) for name in KINDS}
    assert errors["signed"] == pytest.approx(errors["if"], rel=1e-2)
    assert errors["burst"] < errors["if"]
    assert errors["bit_plane"] < errors["if"]


def test_pipelined_kinds_lose_less_to_uneven_arrival():
    errors = {n: last_error(lightly(n, 0)) for n in ("if", "signed", "burst")}
    assert errors["signed"] < errors["if"]
    assert errors["burst"] < errors["if"]


QUICK = WeightCalibration(
    iterations=40,
    batch_size=16,
    check_every=10,
    optimizer="adam",
    learning_rate=1e-2,
    rounding="neuron",
    train_bias=True,
)


@pytest.mark.parametrize("neuron", ["signed", "burst"])
def test_a_temporal_bias_evens_out_every_stepwise_kind(neuron):
    result = run(neuron, pipelines.temporal(iterations=3))
    steps = [s for s in result.steps if s.unevenness_before is not None]
    assert any(step.accepted for step in steps)
    for step in steps:
        if step.accepted:
            after = step.error_after + step.unevenness_after
            assert after <= step.error_before + step.unevenness_before


@pytest.mark.parametrize("neuron", ["burst", "bit_plane"])
def test_calibrated_saved_exported_and_reloaded(neuron, tmp_path):
    lag = T if neuron == "bit_plane" else 0
    model = lightly(neuron, lag)[T]
    images = IMAGES[:5]
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(images), model(images))
    record = export_saved_model(lightly(neuron, lag), tmp_path / "export")
    (kind,) = record.manifest["models"][0]["neurons"]["kinds"]
    assert kind["name"] == neuron
    served = tf.saved_model.load(str(record.path / str(100_000 + T)))
    outputs = served.signatures["serving_default"](tf.constant(images))
    # Two-phase networks are served on counts: sums round differently.
    np.testing.assert_allclose(
        outputs["logits"], model(images), rtol=1e-4, atol=1e-5
    )


def test_evaluation_says_the_kind():
    labels = np.zeros(8, int)
    found = evaluate(lightly("burst", 0)[T], (IMAGES[:8], labels))
    assert found.neuron == "burst"


@pytest.mark.parametrize("neuron", KINDS)
def test_the_clock_of_the_kind_is_the_default(neuron):
    result = run(neuron, pipelines.uncalibrated(), timesteps=[2, 4])
    lags = {2: 2, 4: 4} if neuron == "bit_plane" else {2: 0, 4: 0}
    assert result.lags == lags
    assert result.lag == max(lags.values())
    assert result.to_dict()["lag"] == result.lag
    assert (
        result[2].get_layer(conversion(neuron).neuron_names[-1]).lag
        == (lags[2])
    )


def test_bit_planes_of_the_largest_lag_have_their_own():
    result = run("bit_plane", pipelines.uncalibrated(), [2, 4], lag=4)
    assert result.lags == {2: 2, 4: 4}


def nothing(*arguments, **options):
    raise AssertionError("the sweep started")


@pytest.mark.parametrize(
    ("neuron", "options", "text"),
    [
        (
            "bit_plane",
            {"lag": 0},
            "lag=0 with timesteps=4 and neurons of kind 'bit_plane'. Support",
        ),
        (
            "bit_plane",
            {"lag": 2, "timesteps": [2, 4]},
            "lag=2 with timesteps=4 and neurons of kind",
        ),
        (
            "bit_plane",
            {"timesteps": [8, 25]},
            "timesteps=25 with neurons of kind 'bit_plane'. Supported: 1...24",
        ),
        (
            "bit_plane",
            {"pipeline": pipelines.temporal()},
            "'temporal' with neurons of kind 'bit_plane': TemporalBiasCalib",
        ),
        (
            "burst",
            {"pipeline": pipelines.published_code()},
            "'published_code_light' with neurons of kind 'burst': Averaged",
        ),
    ],
)
def test_what_a_kind_cannot_have_is_refused_first(
    monkeypatch, neuron, options, text
):
    monkeypatch.setattr(AnalogFront, "advance", nothing)
    with pytest.raises(ValueError, match=text):
        run(neuron, **options)


def arrays(result):
    return [
        np.asarray(value)
        for parameters in result.parameters[T].values()
        for value in dataclasses.astuple(parameters)
        if value is not None
    ]


@pytest.mark.parametrize("neuron", ["signed", "bit_plane"])
def test_an_interrupted_calibration_goes_on(neuron, tmp_path, monkeypatch):
    calls = []
    calibrate_one = visit.Visit.calibrate

    def interrupted(self, pipeline):
        calls.append(self)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return calibrate_one(self, pipeline)

    with monkeypatch.context() as patch:
        patch.setattr(visit.Visit, "calibrate", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run(neuron, checkpoint=tmp_path / "c")
    resumed = run(neuron, checkpoint=tmp_path / "c")
    for a, b in zip(arrays(resumed), arrays(run(neuron)), strict=True):
        np.testing.assert_array_equal(a, b)


def test_best_leaves_out_what_bit_planes_cannot_have():
    quick = pipelines.trained(weights=QUICK, iterations=1)
    both = pipelines.trained(weights=QUICK, temporal_iterations=1)
    search = dataclasses.replace(
        pipelines.best(1e6),
        candidates=(pipelines.light(), pipelines.temporal(), quick, both),
        costs=(1.0, 1.0, 1.0, 1.0),
    )
    result = run("bit_plane", search)
    left_out = [trial.error is None for trial in result.trials]
    assert left_out == [False, True, False, True]
