"""NIR files in snntorch, sinabs and norse, where they are installed."""

import os

import numpy as np
import pytest

from tests.exchange import simulators
from tests.support.spiking_networks import (
    classifier,
    images,
    make_dyadic,
    spiking,
)

PYTHON = os.environ.get("TFSNN_SIMULATORS")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not PYTHON, reason="TFSNN_SIMULATORS names no Python with simulators"
    ),
]


@pytest.fixture(scope="module")
def found():
    pytest.importorskip("nir")
    model = spiking(make_dyadic(classifier()), timesteps=8)
    return simulators.compared(PYTHON, model, images(16))


@pytest.mark.parametrize("simulator", ["snntorch", "sinabs", "norse"])
def test_same_spikes_with_the_neuron_that_is_meant(found, simulator):
    """Sums of dyadic numbers are exact, whoever adds them up."""
    reference, received = found["imported"], found[f"{simulator}_meant"]
    assert received.keys() == reference.keys()
    assert reference["first"].sum() > 0
    if simulator == "sinabs":  # It fires at the threshold, as we do.
        for name, counts in reference.items():
            np.testing.assert_allclose(received[name], counts, rtol=1e-6)
    else:  # These fire above it: ties come later.
        assert simulators.largest_difference(received, reference) < 0.2
