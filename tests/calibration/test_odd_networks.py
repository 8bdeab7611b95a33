"""Whole pipelines on what is dead, constant, negative or saturated."""

import dataclasses
import functools
import logging

import keras
import numpy as np
import pytest

from tests.support.convertible import make_images
from tests.support.networks import with_random_weights
from tfsnn import SweepConfig, calibrate, convert, pipelines
from tfsnn.calibration import (
    BiasCalibration,
    BlockCalibration,
    MmseThreshold,
    Pipeline,
    WeightCalibration,
)

layers = keras.layers
IMAGES = make_images(24)
CONSTANT = np.full_like(IMAGES, 0.5)
BRIEF = {"iterations": 10, "batch_size": 8, "check_every": 5}
QUICK = WeightCalibration(
    optimizer="adam",
    learning_rate=1e-3,
    rounding="neuron",
    train_bias=True,
    train_threshold=True,
    **BRIEF,
)
PIPELINES = {
    "light": pipelines.light(),
    "advanced": pipelines.advanced(
        per="layer",
        rounding="floor",
        potentials_per="neuron",
        weights=WeightCalibration(**BRIEF),
    ),
    "published": pipelines.published_code("potential"),
    "fitted": pipelines.fitted(temporal_iterations=2),
    "trained": pipelines.trained(weights=QUICK, temporal_iterations=2),
    "reconstructed": pipelines.reconstructed(blocks=BlockCalibration(**BRIEF)),
}
# Most pipelines once at once, the rest with the slow tests.
AT_ONCE = {
    ("light", True),
    ("advanced", False),
    ("published", True),
    ("fitted", False),
    ("trained", True),
}
CASES = [
    pytest.param(
        name,
        constant,
        id=f"{name}-{'constant' if constant else 'any'}",
        marks=[] if (name, constant) in AT_ONCE else [pytest.mark.slow],
    )
    for name in PIPELINES
    for constant in (False, True)
]


def neuron(x, name):
    x = layers.Conv2D(3, 3, padding="same", name=name)(x)
    return layers.ReLU()(x)


@functools.cache
def conversion():
    """A dead channel, a layer that only gets negative currents, one at 1e3."""
    inputs = keras.Input(IMAGES.shape[1:])
    x = neuron(inputs, "dead_channel")
    negative = neuron(x, "negative")
    x = neuron(layers.Add()([x, negative]), "saturated")
    x = layers.GlobalAveragePooling2D()(x)
    model = keras.Model(inputs, layers.Dense(4)(x))
    with_random_weights(model, np.random.default_rng(0))
    kernel, bias = model.get_layer("dead_channel").get_weights()
    kernel[..., 1], bias[1] = 0, -1
    model.get_layer("dead_channel").set_weights([kernel, bias])
    for name, value in (("negative", -1e3), ("saturated", 1e3)):
        kernel, bias = model.get_layer(name).get_weights()
        model.get_layer(name).set_weights([kernel, np.full_like(bias, value)])
    return convert(model)


def calibrated(images, pipeline, **options):
    return calibrate(
        conversion(),
        images,
        timesteps=[1, 3],
        pipeline=pipeline,
        config=SweepConfig(progress=False, **options),
    )


@pytest.mark.parametrize(("name", "constant"), CASES)
def test_results_are_finite_and_near(name, constant):
    images, pipeline = CONSTANT if constant else IMAGES, PIPELINES[name]
    result = calibrated(images, pipeline)
    assert all(np.isfinite(step.error_after) for step in result.steps)
    expected = conversion().analog(images).numpy()
    for timesteps, parameters in result.parameters.items():
        assert all(values.is_finite() for values in parameters.values())
        outputs = result[timesteps](images).numpy()
        assert np.isfinite(outputs).all()
        # What is saturated is 1e3, and a threshold of 1e3 meets it.
        scale = np.abs(expected).max()
        assert np.abs(outputs - expected).max() < 0.1 * scale


WILD = {**BRIEF, "learning_rate": 1e30}
DIVERGING = {
    "weights": WeightCalibration(**WILD),
    "weights, adam": WeightCalibration(optimizer="adam", **WILD),
    "blocks": BlockCalibration(**WILD),
}


@pytest.mark.parametrize(
    "step",
    [
        pytest.param(
            step, id=name, marks=[pytest.mark.slow] if "adam" in name else []
        )
        for name, step in DIVERGING.items()
    ],
)
def test_a_calibration_goes_on_after_divergence(step, caplog):
    """Undone and reported: all the rest is as if it had not been tried."""
    first, after = MmseThreshold(), BiasCalibration()
    with caplog.at_level(logging.WARNING, logger="absl"):
        result = calibrated(IMAGES, Pipeline("wild", (first, step, after)))
    assert "diverged at learning_rate=1e+30" in caplog.text
    name = type(step).__name__
    assert not any(s.accepted for s in result.steps if s.strategy == name)
    without = calibrated(IMAGES, Pipeline("calm", (first, after)))
    assert any(s.accepted for s in result.steps if s.strategy != name)
    for timesteps, parameters in without.parameters.items():
        for neuron_name, values in parameters.items():
            np.testing.assert_equal(
                dataclasses.asdict(result.parameters[timesteps][neuron_name]),
                dataclasses.asdict(values),
            )
