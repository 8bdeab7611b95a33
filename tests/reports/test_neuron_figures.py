import numpy as np
import pytest

from tests.support.run_records import record
from tfsnn.numerics import response as closed_form
from tfsnn.reports.neuron_figures import response


@pytest.mark.parametrize("current", np.linspace(-1, 3, 9))
def test_response_is_the_closed_form(current):
    (neuron,) = record((8,))["points"][0]["neurons"]
    expected = closed_form(
        np.float64(current + 0.25), 2.0, 8, initial_potential=1.0
    )
    assert response({**neuron, "bias": 0.25}, current) == expected
