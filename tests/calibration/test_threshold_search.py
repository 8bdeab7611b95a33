import numpy as np
import pytest
import tensorflow as tf

from tests.support.segment_views import view_of
from tfsnn.calibration import Tap, ThresholdSearch
from tfsnn.calibration.neuron_run import NeuronRun
from tfsnn.dynamics import IntegrateAndFire
from tfsnn.types import NeuronParameters

T = 4
KIND = IntegrateAndFire()
SMALL = ThresholdSearch((0.5, 1.0, 2.0), (0.25, 0.5))


def neuron_at(lag):
    def neuron(parameters):
        return NeuronRun(
            parameters, timesteps=T, lag=lag, kind=KIND, constant=False
        )

    return neuron


def tap_of(batches, analog, lag=0, fit=None):
    return Tap(analog, None, view=view_of(batches, lag=lag, fit=fit))


def error_of(batches, analog, parameters, lag=0):
    """Sum of squares of each channel."""
    outputs = [
        neuron_at(lag)(parameters).mean_output(
            tf.constant(batch.reshape(-1, *batch.shape[2:]))
        )
        for batch in batches
    ]
    square = np.square(np.concatenate(outputs) - analog)
    return square.sum(axis=tuple(range(square.ndim - 1)))


@pytest.fixture
def data(rng):
    batches = [
        rng.normal(0.4, 0.8, (T, count, 3, 3, 2)).astype("float32")
        for count in (5, 3)
    ]
    mean = np.concatenate(batches, axis=1).mean(axis=0)
    threshold = np.float32([1, 0.25])
    return (
        batches,
        np.maximum(mean, 0),
        NeuronParameters(threshold, 0.5 * threshold),
    )


@pytest.mark.parametrize("lag", [0, 1, T])
def test_finds_the_best_of_each_channel(data, lag):
    batches, analog, parameters = data
    got = SMALL(tap_of(batches, analog, lag), parameters, T)
    errors, candidates = [], []
    for factor in SMALL.factors:
        for charge in SMALL.charges:
            threshold = np.float32(factor) * parameters.threshold
            one = NeuronParameters(threshold, np.float32(charge) * threshold)
            candidates.append(one)
            errors.append(error_of(batches, analog, one, lag))
    best = np.argmin(errors, axis=0)
    for channel, number in enumerate(best):
        for name in ("threshold", "initial_potential"):
            expected = getattr(candidates[number], name)[channel]
            assert getattr(got, name)[channel] == expected
    assert len(set(best)) == 2  # Channels differ.


def test_one_threshold_stays_one(data):
    batches, analog, _ = data
    one = NeuronParameters(np.float32(0.25), np.float32(0.125))
    got = SMALL(tap_of(batches, analog), one, T)
    assert got.threshold.shape == got.initial_potential.shape == ()
    assert error_of(batches, analog, got).sum() < (
        error_of(batches, analog, one).sum()
    )


def test_present_values_may_be_best(data):
    batches, _, parameters = data
    parameters = parameters.replace(initial_potential=np.float32([0.37, 0.11]))
    analog = neuron_at(0)(parameters)
    analog = np.concatenate(
        [
            analog.mean_output(tf.constant(b.reshape(-1, *b.shape[2:])))
            for b in batches
        ]
    )
    assert SMALL(tap_of(batches, analog), parameters, T) is parameters


def test_potentials_of_neurons_are_kept_where_they_are_best(data):
    batches, analog, parameters = data
    potential = np.random.default_rng(0).random((3, 3, 2)).astype("float32")
    got = SMALL(
        tap_of(batches, analog),
        parameters.replace(initial_potential=potential),
        T,
    )
    assert got.initial_potential.shape == potential.shape


def test_images_that_must_not_be_fitted_do_not_count(data):
    batches, analog, parameters = data
    fit = [np.array([1, 1, 0, 1, 1], bool), np.array([0, 1, 1], bool)]
    chosen = np.concatenate(fit)
    one = SMALL(tap_of(batches, analog[chosen], fit=fit), parameters, T)
    kept = [b[:, mask] for b, mask in zip(batches, fit, strict=True)]
    other = SMALL(tap_of(kept, analog[chosen]), parameters, T)
    np.testing.assert_array_equal(one.threshold, other.threshold)


@pytest.mark.parametrize(
    "field",
    [{"factors": ()}, {"factors": (0.0,)}, {"charges": (1.5,)}],
)
def test_out_of_range_is_refused(field):
    (name,) = field
    with pytest.raises(ValueError, match=f"{name}=.*Supported"):
        ThresholdSearch(**field)
