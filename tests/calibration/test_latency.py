import pytest

from tests.support.convertible import build
from tfsnn import ConversionConfig, convert
from tfsnn.calibration.latency import latency_of
from tfsnn.conversion import latency_steps

T = 4
NETWORKS = ("pre_activation", "constant_shortcut", "two_outputs", "max_pooled")


@pytest.mark.parametrize("name", NETWORKS)
def test_is_that_of_the_spiking_model(name):
    conversion = convert(build(name))
    *_, last = conversion.neuron_names
    assert latency_of(conversion, 0, T) == T
    for lag in (1, {last: 3}):
        model = conversion.spiking_model(T, lag=lag)
        assert latency_of(conversion, lag, T) == latency_steps(model)


def test_bit_planes_of_a_constant_add_nothing():
    config = ConversionConfig(neuron="bit_plane")
    conversion = convert(build("residual"), config=config)
    assert latency_of(conversion, T, T) == T + 2 * T
    model = conversion.spiking_model(T)
    assert latency_steps(model) == T + 2 * T
