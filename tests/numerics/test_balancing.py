import numpy as np
import pytest

from tests.reference.balancing import balanced
from tfsnn.numerics.balancing import balanced_thresholds


def activations(rng, count=7):
    return np.maximum(rng.normal(size=(count, 5, 3)), 0)


@pytest.mark.parametrize("rate", [1.0, 0.3])
@pytest.mark.parametrize("iterations", [1, 2, 9])
def test_equals_the_loop(rng, iterations, rate):
    """Seven images in batches of three: the last one is smaller."""
    values = activations(rng)
    found = balanced_thresholds(
        values, iterations=iterations, batch_size=3, rate=rate
    )
    expected = balanced(values, iterations, 3, rate)
    # Sums of up to 15 numbers in another order.
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_one_step_is_twice_the_mean(rng):
    values = activations(rng)
    found = balanced_thresholds(values, iterations=1, batch_size=7)
    np.testing.assert_allclose(found, 2 * values.mean(axis=(0, 1)))


def test_ends_at_the_largest_value(rng):
    """Only what exceeds it drives a threshold on."""
    values = activations(rng)
    found = balanced_thresholds(
        values, iterations=20_000, batch_size=7, rate=0.5
    )
    np.testing.assert_allclose(found, values.max(axis=(0, 1)), rtol=1e-6)


def test_silent_channels():
    values = np.zeros((4, 2, 2))
    one = balanced_thresholds(values, iterations=3, batch_size=2)
    np.testing.assert_array_equal(one, [1, 1])
    values[..., 0] = 0.5
    found = balanced_thresholds(values, iterations=3, batch_size=2)
    np.testing.assert_array_equal(found, [1, 1])  # Twice 0.5, and the same.
