import numpy as np
import pytest

from tests.reference.neuron import integrate_and_fire
from tests.support.segment_views import view_of
from tfsnn.calibration.unevenness import unevenness
from tfsnn.types import NeuronParameters

T = 4
PARAMETERS = NeuronParameters(
    np.float32([1, 0.5, 2]),
    np.float32([0.5, 0.25, 1]),
    np.float32([0.125, 0, -0.25]),
)


@pytest.mark.parametrize("lag", [0, 1, T])
@pytest.mark.parametrize("with_table", [False, True])
def test_equals_the_reference(with_table, lag, rng):
    """Multiples of 1/8: no potential is rounded."""
    current = rng.integers(-8, 17, (T, 6, 2, 2, 3)) / 8
    target = np.maximum(current.mean(axis=0), 0)
    table = rng.integers(-4, 5, (T, 3)) / 8 if with_table else None
    fit = np.arange(6) % 3 != 1
    spikes = integrate_and_fire(
        current,
        PARAMETERS.threshold,
        PARAMETERS.initial_potential,
        bias=PARAMETERS.bias,
        temporal_bias=table,
        lag=lag,
    ).spikes[:, fit]
    difference = spikes.mean((1, 2, 3)) - target[fit].mean((0, 1, 2))
    got = unevenness(
        view_of([current], lag=lag, fit=[fit]),
        PARAMETERS.replace(temporal_bias=table),
        T,
        target[fit],
    )
    assert got == pytest.approx(np.square(difference).mean(), rel=1e-5)


def test_an_even_train_has_none():
    """A spike at every step where the analog value is one threshold."""
    current = np.ones((T, 2, 3, 3, 3)) * PARAMETERS.threshold
    parameters = PARAMETERS.replace(bias=None)
    got = unevenness(view_of([current]), parameters, T, current[0])
    assert got == 0
