import numpy as np
import pytest

from tfsnn.evaluation.activity import NUM_BINS, activity_of

T, N = 4, 5


def summary(spikes, **options):
    options = {"num_neurons": spikes.size * N, "num_images": N, **options}
    return activity_of("layer", spikes, timesteps=T, **options)


def test_channels_that_never_or_always_fire():
    spikes = np.zeros((2, 2, 3))
    spikes[..., 1] = T * N
    spikes[0, 0, 2] = 1
    found = summary(spikes)
    assert (found.dead_channels, found.saturated_channels) == ([0], [1])
    assert (found.num_neurons, found.num_channels) == (12, 3)
    assert found.rate == pytest.approx((4 * T * N + 1) / (12 * T * N))


def test_histogram_of_rates():
    spikes = np.array([0.0, T * N / 2, T * N, T * N])
    found = summary(spikes)
    expected = np.zeros(NUM_BINS)
    expected[[0, NUM_BINS // 2, NUM_BINS - 1]] = 1, 1, 2
    assert found.histogram == expected.tolist()


def test_neurons_without_a_place():
    found = summary(np.array([0.0, 6.0]), num_neurons=2 * 9 * N)
    assert found.histogram is None
    assert (found.num_neurons, found.num_channels) == (18, 2)
    assert found.rate == pytest.approx(6 / (18 * N * T))
