import numpy as np
import pytest

from tfsnn.calibration import BiasCalibration, Tap
from tfsnn.types import NeuronParameters

ONE = NeuronParameters(np.float32(1), np.float32(0.5))


def tap(error):
    """A tap whose analog activations are larger by an error `[C]`."""
    spiking = np.random.default_rng(0).integers(0, 9, (6, 2, 2, 3)) / 8
    spiking = spiking.astype("float32")
    return Tap(spiking + np.float32(error), spiking)


@pytest.mark.parametrize("damping", [1.0, 0.5])
def test_adds_the_mean_error_of_each_channel(damping):
    error = [0.25, 0.0, -0.5]
    got = BiasCalibration(damping)(tap(error), ONE, 8)
    np.testing.assert_array_equal(got.bias, damping * np.float32(error))


@pytest.mark.parametrize("bias", [np.float32(1), np.float32([1, 2, 3])])
def test_adds_to_the_bias_there_is(bias):
    got = BiasCalibration()(tap([0.5, 0, 0]), ONE.replace(bias=bias), 8)
    np.testing.assert_array_equal(got.bias, bias + [0.5, 0, 0])


def test_the_rest_stays():
    got = BiasCalibration()(tap([0.5, 0, 0]), ONE, 8)
    assert got.threshold is ONE.threshold
    assert got.initial_potential is ONE.initial_potential


def test_vectors_have_channels_too():
    analog = np.float32([[1, 2], [3, 4]])
    got = BiasCalibration()(Tap(analog, np.zeros((2, 2), "float32")), ONE, 8)
    np.testing.assert_array_equal(got.bias, [2, 3])


@pytest.mark.parametrize("damping", [0, -0.5, 1.5, float("nan"), "1", True])
def test_damping_out_of_range_is_refused(damping):
    with pytest.raises(ValueError, match=f"damping={damping!r}. Supported"):
        BiasCalibration(damping)
