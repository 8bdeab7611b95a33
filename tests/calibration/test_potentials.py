import numpy as np
import pytest

from tfsnn.calibration import PotentialCalibration, Tap
from tfsnn.types import NeuronParameters

T = 8
ONE = NeuronParameters(np.float32(1), np.float32(0.5))
CHANNELS = ONE.replace(initial_potential=np.float32([0.5, 0.25, 1]))


def tap(error):
    """A tap whose analog activations are larger by an error."""
    spiking = np.random.default_rng(0).integers(0, 9, (6, 2, 2, 3)) / 8
    spiking = spiking.astype("float32")
    return Tap(spiking + np.float32(error), spiking)


@pytest.mark.parametrize("parameters", [ONE, CHANNELS], ids=["one", "channel"])
@pytest.mark.parametrize("damping", [1.0, 0.5])
def test_adds_the_missing_charge_of_each_channel(damping, parameters):
    error = np.float32([0.25, 0.0, -0.5])
    got = PotentialCalibration(damping=damping)(tap(error), parameters, T)
    np.testing.assert_array_equal(
        got.initial_potential,
        parameters.initial_potential + damping * T * error,
    )


def test_per_neuron_is_the_papers():
    error = np.arange(12).reshape(2, 2, 3) / 16 - 0.25
    got = PotentialCalibration("neuron")(tap(error), ONE, T)
    np.testing.assert_array_equal(got.initial_potential, 0.5 + T * error)


def test_mean_over_images():
    analog = np.float32([[1, 2], [3, 4]])
    got = PotentialCalibration()(Tap(analog, 0 * analog), ONE, T)
    np.testing.assert_array_equal(got.initial_potential, 0.5 + T * np.r_[2, 3])


def test_the_rest_stays():
    got = PotentialCalibration()(tap([0.5, 0, 0]), ONE, T)
    assert got.threshold is ONE.threshold
    assert got.bias is None


def test_out_of_range_is_refused():
    with pytest.raises(ValueError, match="`per` is 'layer'"):
        PotentialCalibration("layer")
    with pytest.raises(ValueError, match="damping=0. Supported"):
        PotentialCalibration(damping=0)
