"""The strategy on segments whose neurons answer in closed form."""

import types

import numpy as np
import pytest

from tests.support.segments import (
    T,
    conv,
    current_of,
    inputs_of,
    layers,
    loss_of,
    neuron_of,
    segment,
)
from tfsnn.calibration import LeastSquaresCalibration, Tap
from tfsnn.numerics import response


def answer(one, inputs, parameters):
    current = current_of(one, inputs, parameters)
    return response(
        current, parameters.threshold, T, parameters.initial_potential
    ).astype("float32")


def tap_of(one, inputs, analog, parameters, fixed=frozenset()):
    view = types.SimpleNamespace(
        segment=one,
        training_set=lambda: (inputs, analog),
        fixed_layers=fixed,
    )
    return Tap(analog, answer(one, inputs, parameters), view=view)


def example(make=conv):
    one = make()
    inputs = inputs_of(one)
    analog = np.maximum(1.5 * current_of(one, inputs) + 0.1, 0)
    analog = analog.astype("float32")
    return one, inputs, analog, neuron_of(analog)


def depthwise():
    return segment(layers.DepthwiseConv2D(3, name="depthwise"))


@pytest.mark.parametrize("make", [conv, depthwise])
def test_the_error_of_the_segment_falls(make):
    one, inputs, analog, parameters = example(make)
    start = loss_of(one, inputs, analog, parameters)
    for _ in range(3):
        tap = tap_of(one, inputs, analog, parameters)
        parameters = LeastSquaresCalibration()(tap, parameters, T)
    assert loss_of(one, inputs, analog, parameters) < 0.5 * start


def test_equals_a_regression_on_patches():
    """Of a 1x1 convolution, whose patches are the inputs."""
    one = segment(layers.Conv2D(3, 1, name="conv"))
    inputs = inputs_of(one)
    analog = np.maximum(1.5 * current_of(one, inputs), 0).astype("float32")
    parameters = neuron_of(analog)
    tap = tap_of(one, inputs, analog, parameters)
    got = LeastSquaresCalibration(ridge=1e-9, damping=0.5)(tap, parameters, T)
    x = np.c_[inputs[0].reshape(-1, 2), np.ones(16 * 16)]
    error = (tap.analog - tap.spiking).reshape(-1, 3)
    expected, *_ = np.linalg.lstsq(x, 0.5 * error, rcond=None)
    kernel = one.model.get_layer("conv").get_weights()[0]
    change = got.weights["conv"][0] - kernel
    np.testing.assert_allclose(change[0, 0], expected[:2], atol=1e-5)
    np.testing.assert_allclose(got.bias, expected[2], atol=1e-5)


def test_errors_of_the_first_images_are_enough():
    """Where memory does not hold the currents of all images."""
    one, inputs, analog, parameters = example()
    first = [values[:5] for values in inputs]
    known = tap_of(one, first, analog[:5], parameters)
    view = tap_of(one, inputs, analog, parameters).view
    strategy = LeastSquaresCalibration()
    got = strategy(Tap(known.analog, known.spiking, view=view), parameters, T)
    expected = strategy(known, parameters, T)
    np.testing.assert_array_equal(
        got.weights["conv"][0], expected.weights["conv"][0]
    )
    np.testing.assert_array_equal(got.bias, expected.bias)


def test_goes_on_from_changed_weights():
    one, inputs, analog, parameters = example()
    strategy = LeastSquaresCalibration()
    first = strategy(tap_of(one, inputs, analog, parameters), parameters, T)
    # Nothing is left to correct: the second proposal is the first.
    tap = tap_of(one, inputs, answer(one, inputs, first), first)
    second = strategy(tap, first, T)
    np.testing.assert_allclose(
        second.weights["conv"][0], first.weights["conv"][0], atol=1e-6
    )
    np.testing.assert_allclose(second.bias, first.bias, atol=1e-6)


def test_few_rows_are_drawn_from_a_seed():
    one, inputs, analog, parameters = example()
    tap = tap_of(one, inputs, analog, parameters)
    kernels = [
        LeastSquaresCalibration(num_rows=64, seed=seed)(
            tap, parameters, T
        ).weights["conv"][0]
        for seed in (0, 0, 1)
    ]
    np.testing.assert_array_equal(kernels[0], kernels[1])
    assert (kernels[0] != kernels[2]).any()


def test_small_batches_change_nothing_but_rounding(monkeypatch):
    one, inputs, analog, parameters = example()
    tap = tap_of(one, inputs, analog, parameters)
    whole = LeastSquaresCalibration()(tap, parameters, T)
    monkeypatch.setattr("tfsnn.calibration.residual_fit.BATCH_BYTES", 1)
    one_by_one = LeastSquaresCalibration()(tap, parameters, T)
    np.testing.assert_allclose(
        one_by_one.weights["conv"][0], whole.weights["conv"][0], atol=1e-5
    )


def test_without_a_kernel_nothing_is_proposed():
    one, inputs, analog, parameters = example()
    tap = tap_of(one, inputs, analog, parameters, frozenset({"conv"}))
    assert LeastSquaresCalibration()(tap, parameters, T) is parameters


@pytest.mark.parametrize(
    "field", [{"ridge": 0}, {"damping": 2}, {"num_rows": 0}, {"seed": -1}]
)
def test_out_of_range_is_refused(field):
    (name,) = field
    with pytest.raises(ValueError, match=f"{name}=.*Supported"):
        LeastSquaresCalibration(**field)
