import numpy as np
import pytest

from tfsnn.calibration import GaussianThreshold, MmseThreshold, Tap
from tfsnn.numerics import gaussian_threshold, response
from tfsnn.types import NeuronParameters

T = 8
MEAN, DEVIATION = np.array([0.5, -1.0, 2.0]), np.array([1.0, 2.0, 0.5])


def activations(count=4000):
    rng = np.random.default_rng(0)
    values = rng.normal(MEAN, DEVIATION, (count, 2, 3))
    return np.maximum(values, 0).astype("float32")


def propose(strategy, parameters=None, analog=None, timesteps=T):
    analog = activations() if analog is None else analog
    return strategy(Tap(analog, None), parameters, timesteps)


@pytest.mark.parametrize("rounding", ["floor", "round"])
def test_finds_the_threshold_of_the_gaussian(rounding):
    got = propose(GaussianThreshold(rounding=rounding)).threshold
    expected = gaussian_threshold(MEAN, DEVIATION, T, rounding=rounding)
    # Sampling error of 8,000 values a channel.
    np.testing.assert_allclose(got, expected, rtol=0.03)


@pytest.mark.parametrize("per", ["layer", "channel"])
@pytest.mark.parametrize("timesteps", [4, 16])
def test_is_as_good_as_the_grid_for_gaussian_currents(per, timesteps):
    analog = activations()
    if per == "layer":  # Channels of several kinds are not one Gaussian.
        analog = analog[..., :1]
    errors = [
        np.square(
            response(analog, p.threshold, timesteps, p.initial_potential)
            - analog
        ).mean(axis=(0, 1))
        for p in (
            propose(one, None, analog, timesteps)
            for one in (GaussianThreshold(per), MmseThreshold(per))
        )
    ]
    # Beside its minimum the error is flat; the grid fits the very sample.
    assert (errors[0] <= 1.05 * errors[1]).all()


def test_one_for_the_layer():
    got = propose(GaussianThreshold("layer"))
    assert got.threshold.shape == got.initial_potential.shape == ()


@pytest.mark.parametrize("charge", [0.0, 0.5, 1.0])
def test_the_potential_is_a_share_of_the_threshold(charge):
    got = propose(GaussianThreshold(initial_charge=charge))
    np.testing.assert_array_equal(got.initial_potential, charge * got.threshold)


def test_a_bias_stays():
    before = NeuronParameters(np.float32(1), np.float32(0), np.float32(3))
    got = propose(GaussianThreshold(), before)
    assert got.bias == 3
    assert (got.threshold != 1).all()


def test_a_silent_channel_gets_the_largest_of_the_layer():
    analog = activations()
    analog[..., 1] = 0
    threshold = propose(GaussianThreshold(), None, analog).threshold
    assert threshold[1] == threshold.max()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"per": "neuron"}, "`per` is 'neuron'. Supported"),
        ({"rounding": "up"}, "`rounding` is 'up'. Supported"),
        ({"initial_charge": 1.5}, "initial_charge=1.5. Supported: 0...1"),
    ],
)
def test_hyperparameters_out_of_range_are_refused(arguments, text):
    with pytest.raises(ValueError, match=text):
        GaussianThreshold(**arguments)
