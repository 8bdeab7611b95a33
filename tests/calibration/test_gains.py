"""The strategy: what it finds, and where it proposes nothing."""

import dataclasses
import json
import types

import keras
import numpy as np
import pytest

from tests.support import segments
from tests.support.convertible import build, make_images
from tests.support.segments import T, current_of, inputs_of, neuron_of
from tfsnn import convert
from tfsnn.calibration import (
    BiasCalibration,
    GainCalibration,
    MmseThreshold,
    Pipeline,
    SweepConfig,
    calibrate,
)
from tfsnn.calibration.strategy import describe

layers = keras.layers
GAIN, SHIFT = np.array([0.75, 1.0, 1.5]), np.array([0.5, -0.25, 0.0])


def tap_of(segment, inputs, analog, fixed=frozenset()):
    view = types.SimpleNamespace(
        segment=segment,
        training_set=lambda: (inputs, None),
        analog_current=lambda: analog,
        fixed_layers=fixed,
    )
    return types.SimpleNamespace(view=view)


def propose(tap, parameters=None, **limits):
    parameters = parameters or neuron_of(np.ones((2, 4, 4, 3)))
    return parameters, GainCalibration(**limits)(tap, parameters, T)


def line(segment, inputs, gain=GAIN, shift=SHIFT):
    """An analog current that is a line of the spiking one."""
    return (gain * current_of(segment, inputs) + shift).astype("float32")


def assert_meets(segment, inputs, got, analog):
    current = current_of(segment, inputs, got)
    # float32 sums of 18 products, and the fit
    np.testing.assert_allclose(current, analog, atol=1e-4)


def test_finds_gain_and_shift():
    segment = segments.conv()
    inputs = inputs_of(segment)
    analog = line(segment, inputs)
    before, got = propose(tap_of(segment, inputs, analog))
    kernel, bias = segment.model.get_layer("conv").get_weights()
    # float32 currents
    np.testing.assert_allclose(got.weights["conv"][0], kernel * GAIN, rtol=1e-4)
    np.testing.assert_allclose(got.weights["conv"][1], bias * GAIN, rtol=1e-4)
    np.testing.assert_allclose(got.bias, SHIFT, atol=1e-4)
    assert got.bias.dtype == got.weights["conv"][0].dtype == np.float32
    assert got.threshold is before.threshold
    assert_meets(segment, inputs, got, analog)


def test_is_least_squares_within_the_limits(rng):
    segment = segments.conv()
    inputs = inputs_of(segment)
    current = current_of(segment, inputs)
    noise = rng.normal(size=current.shape)
    analog = (current + noise).astype("float32")
    _, got = propose(tap_of(segment, inputs, analog))
    best = np.square(current_of(segment, inputs, got) - analog).sum()
    for gain, shift in ((1.02, 0), (0.98, 0), (1, 0.02), (1, -0.02)):
        other = current_of(segment, inputs, got) * gain + shift
        assert np.square(other - analog).sum() > best


def test_a_shortcut_is_not_scaled():
    segment = segments.segment(
        lambda x: x,
        layers.Conv2D(3, 3, padding="same", name="conv"),
        shapes=((4, 4, 3), segments.SHAPE),
    )
    inputs = inputs_of(segment)
    branch = current_of(segment, inputs) - inputs[0]
    analog = (inputs[0] + GAIN * branch + SHIFT).astype("float32")
    _, got = propose(tap_of(segment, inputs, analog))
    kernel, _ = segment.model.get_layer("conv").get_weights()
    np.testing.assert_allclose(got.weights["conv"][0], kernel * GAIN, rtol=1e-4)
    assert_meets(segment, inputs, got, analog)


def test_gains_are_clipped_and_the_shift_makes_up():
    segment = segments.conv()
    inputs = inputs_of(segment)
    analog = line(segment, inputs, gain=np.array([0.1, 1.0, 10.0]))
    _, got = propose(
        tap_of(segment, inputs, analog), smallest=0.8, largest=1.25
    )
    kernel, _ = segment.model.get_layer("conv").get_weights()
    clipped = np.array([0.8, 1.0, 1.25])
    np.testing.assert_allclose(
        got.weights["conv"][0], kernel * clipped, rtol=1e-4
    )
    error = current_of(segment, inputs, got) - analog
    np.testing.assert_allclose(error.mean(axis=(0, 1, 2)), 0, atol=1e-4)


def test_starts_from_the_present_weights():
    segment = segments.conv()
    inputs = inputs_of(segment)
    analog = line(segment, inputs)
    tap = tap_of(segment, inputs, analog)
    _, first = propose(tap)
    _, second = propose(tap, first)
    # What is left is rounding.
    for a, b in zip(first.weights["conv"], second.weights["conv"], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4)
    np.testing.assert_allclose(second.bias, first.bias, atol=1e-4)


def test_weights_of_other_layers_stay():
    segment = segments.conv()
    inputs = inputs_of(segment)
    before = neuron_of(np.ones((2, 4, 4, 3)))
    before = before.replace(weights={"other": (np.float32([1]),)})
    tap = tap_of(segment, inputs, line(segment, inputs))
    _, got = propose(tap, before)
    assert set(got.weights) == {"other", "conv"}
    assert set(before.weights) == {"other"}


def test_the_mean_of_a_temporal_bias_is_part_of_the_shift():
    segment = segments.conv()
    inputs = inputs_of(segment)
    analog = line(segment, inputs)
    temporal = np.arange(T * 3, dtype="float32").reshape(T, 3)
    before = neuron_of(np.ones((2, 4, 4, 3))).replace(temporal_bias=temporal)
    _, got = propose(tap_of(segment, inputs, analog), before)
    np.testing.assert_allclose(
        got.bias + temporal.mean(axis=0), SHIFT, atol=1e-4
    )
    assert got.temporal_bias is temporal


def test_many_images_are_taken_in_parts(monkeypatch):
    monkeypatch.setattr("tfsnn.calibration.gains.ANALOG_BATCH", 3)
    segment = segments.conv()
    inputs = inputs_of(segment)
    analog = line(segment, inputs)
    _, got = propose(tap_of(segment, inputs, analog))
    assert_meets(segment, inputs, got, analog)


def test_nothing_to_gain():
    segment = segments.conv()
    inputs = inputs_of(segment)
    analog = np.asarray(segment.model(inputs[0]))
    before, got = propose(tap_of(segment, inputs, analog))
    assert got is before


def test_shared_layers_stay():
    segment = segments.conv()
    inputs = inputs_of(segment)
    tap = tap_of(segment, inputs, line(segment, inputs), frozenset({"conv"}))
    before, got = propose(tap)
    assert got is before


def test_nothing_can_be_scaled():
    segment = segments.segment(layers.AveragePooling2D(2))
    inputs = inputs_of(segment)
    before, got = propose(tap_of(segment, inputs, None))
    assert got is before


@pytest.mark.parametrize("lag", [0, T])
@pytest.mark.parametrize("name", ["residual", "pre_activation", "fused_relus"])
def test_in_a_calibration(name, lag):
    """Guarded, it ends no worse; its weights are in the model."""
    conversion = convert(build(name))
    steps = (MmseThreshold(), GainCalibration(), BiasCalibration())
    result = calibrate(
        conversion,
        make_images(32),
        timesteps=T,
        pipeline=Pipeline("gains", steps),
        config=SweepConfig(lag=lag, progress=False),
    )
    tried = [s for s in result.steps if s.strategy == "GainCalibration"]
    assert [s.segment for s in tried] == conversion.neuron_names
    accepted = {s.segment for s in tried if s.accepted}
    assert accepted
    for segment in accepted:
        for layer, values in result.parameters[T][segment].weights.items():
            got = result[T].get_layer(layer).get_weights()
            for a, b in zip(got, values, strict=True):
                np.testing.assert_array_equal(a, b)


def test_describes_itself():
    strategy = GainCalibration(0.75)
    row = describe(strategy)
    assert row.pop("name") == "GainCalibration"
    assert GainCalibration(**json.loads(json.dumps(row))) == strategy
    assert hash(strategy) == hash(dataclasses.replace(strategy))
    assert not strategy.sets_threshold


@pytest.mark.parametrize(
    ("limits", "text"),
    [
        ({"smallest": 0}, "smallest=0. Supported: numbers above 0, up to 1"),
        ({"smallest": 1.5}, "smallest=1.5. Supported"),
        ({"largest": 0.9}, "largest=0.9. Supported: numbers from 1, finite"),
        ({"largest": float("inf")}, "largest=inf. Supported"),
        ({"largest": "2"}, "largest='2'. Supported"),
    ],
)
def test_limits_out_of_range_are_refused(limits, text):
    with pytest.raises(ValueError, match=text):
        GainCalibration(**limits)
