import numpy as np
import pytest

from tfsnn.numerics import Quantiser, response
from tfsnn.numerics.mean_response import mean_response

CURRENTS = np.linspace(-1.0, 4.0, 41)


@pytest.mark.parametrize("potential", [0.0, 0.75])
def test_plain_neurons(potential):
    found = mean_response(CURRENTS, 1.5, potential, 8, Quantiser.of(8))
    expected = response(CURRENTS, 1.5, 8, potential)
    np.testing.assert_array_equal(found, expected)


KINDS = {"burst": Quantiser.burst(4, 3), "bit-plane": Quantiser.bit_plane(4)}


@pytest.mark.parametrize("name", KINDS)
def test_other_kinds_round_to_their_levels(name):
    quantiser = KINDS[name]
    step = 2.0 / quantiser.levels_per_threshold
    # Half a level of charge, which arrives once in T steps.
    found = mean_response(CURRENTS, 2.0, 4 * step / 2, 4, quantiser)
    nearest = np.floor(CURRENTS / step + 0.5) * step
    expected = np.clip(nearest, 0, quantiser.largest_value(2.0))
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_one_threshold_a_channel():
    found = mean_response(
        np.full((2, 2), 0.9), [1.0, 0.5], [0.0, 0.0], 2, Quantiser.of(2)
    )
    np.testing.assert_array_equal(found, [[0.5, 0.5], [0.5, 0.5]])
