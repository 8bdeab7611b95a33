"""Thresholds of whole networks against a simulation in NumPy."""

import numpy as np
import pytest

import tfsnn
from tests.reference.balancing import balanced
from tests.reference.neuron import integrate_and_fire
from tests.support.dyadic_dense import currents, images, network
from tfsnn import baselines
from tfsnn.calibration import ReadoutDelay
from tfsnn.calibration.sweep import held_out_images

N, T = 32, 6


def fitted():
    """The images in the order of the calibration, and which may be fitted."""
    order = np.random.default_rng(0).permutation(N)
    return images()[order], ~held_out_images(N, tfsnn.SweepConfig())


def currents_and_activations(layer, values):
    current = currents(layer, values)
    return current, np.maximum(current, 0)


def analog():
    """Activations of both layers, of the images that may be fitted."""
    values, fit = fitted()
    _, first = currents_and_activations("first", values)
    _, second = currents_and_activations("second", first)
    return first[fit], second[fit]


def parameters(pipeline):
    result = tfsnn.calibrate(
        tfsnn.convert(network()), images(), timesteps=[T], pipeline=pipeline
    )
    return list(result.parameters[T].values())


def thresholds(pipeline):
    return [float(one.threshold) for one in parameters(pipeline)]


@pytest.mark.parametrize("scale", [1.0, 0.75])
def test_spike_norm_is_the_largest_current_of_spikes(scale):
    """Sengupta et al.: layer by layer, all steps."""
    values, fit = fitted()
    current, _ = currents_and_activations("first", values)
    first = scale * current[fit].max()
    spikes = integrate_and_fire([current] * T, first, 0.0).spikes
    second, _ = currents_and_activations("second", spikes)
    pipeline = (
        baselines.spike_norm() if scale == 1 else baselines.rmp(scale=scale)
    )
    # The library keeps thresholds in float32.
    np.testing.assert_allclose(
        thresholds(pipeline), [first, scale * second[:, fit].max()], rtol=1e-6
    )


def test_spike_norm_of_some_steps_exceeds_the_analog_maximum():
    """A spike carries a whole threshold; so balancing is not normalising."""
    found = thresholds(baselines.spike_norm())
    assert found[0] == analog()[0].max()
    assert found[1] != analog()[1].max()


def test_maximum_is_the_largest_activation():
    assert thresholds(baselines.maximum()) == [a.max() for a in analog()]


def test_percentile_is_of_all_activations():
    np.testing.assert_allclose(
        thresholds(baselines.percentile(90)),
        [np.percentile(a, 90) for a in analog()],
        rtol=1e-6,
    )


def test_the_percentile_is_the_published_one():
    (threshold,) = baselines.percentile().strategies
    assert threshold.percentile == 99.9


def test_opt_shifts_by_half_a_level_at_every_step():
    for one, values in zip(parameters(baselines.opt()), analog(), strict=True):
        assert float(one.threshold) == values.max()
        assert float(one.initial_potential) == 0
        assert float(one.bias) == np.float32(values.max() / (2 * T))


def test_local_balancing_equals_the_loop():
    pipeline = baselines.local_balancing(iterations=7)
    for one, values in zip(parameters(pipeline), analog(), strict=True):
        expected = np.array(balanced(values[:, None], 7, 100, 1.0))
        silent = expected == 0  # These get the largest.
        expected[silent] = expected.max()
        np.testing.assert_allclose(one.threshold, expected, rtol=1e-6)
        np.testing.assert_array_equal(one.initial_potential, one.threshold / 2)


def test_local_balancing_may_read_out_late():
    readout = (ReadoutDelay(2),)
    pipeline = baselines.local_balancing(iterations=7, readout=readout)
    *_, found = parameters(pipeline)
    np.testing.assert_array_equal(found.step_weights == 0, np.arange(T) < 2)


def test_local_balancing_of_a_layer_shares_one_threshold():
    pipeline = baselines.local_balancing(per="layer", iterations=7)
    first, second = analog()
    expected = balanced(first.reshape(len(first), -1, 1), 7, 100, 1.0)
    np.testing.assert_allclose(thresholds(pipeline)[0], expected[0], rtol=1e-6)


@pytest.mark.parametrize(
    "pipeline",
    [baselines.percentile(), baselines.spike_norm()],
    ids=lambda pipeline: pipeline.name,
)
def test_potentials_start_at_zero(pipeline):
    for one in parameters(pipeline):
        assert float(one.initial_potential) == 0
        assert one.bias is None


@pytest.mark.parametrize("lag", [pytest.param(1, marks=pytest.mark.slow), T])
def test_other_clocks(lag):
    """Two-phase, only mean currents are known."""
    result = tfsnn.calibrate(
        tfsnn.convert(network()),
        images(),
        timesteps=[T],
        pipeline=baselines.spike_norm(),
        config=tfsnn.SweepConfig(lag=lag),
    )
    assert all(one.threshold > 0 for one in result.parameters[T].values())


@pytest.mark.slow
def test_more_steps_bring_the_analog_network_back():
    """Where nothing is clipped, the error shrinks like 1 / T."""
    conversion = tfsnn.convert(network())
    result = tfsnn.calibrate(
        conversion, images(), timesteps=[4, 32], pipeline=baselines.maximum()
    )
    expected = network()(images()).numpy()
    errors = [
        np.abs(result[steps](images()).numpy() - expected).max()
        for steps in (4, 32)
    ]
    assert errors[1] < errors[0] / 4


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: baselines.rmp(scale=0), "scale=0. Supported: numbers above 0"),
        (lambda: baselines.SpikeNormThreshold(True), "scale=True. Supported"),
        (lambda: baselines.ShiftedThreshold(101), "percentile=101. Supported"),
        (lambda: baselines.LocalBalancing(rate=-1), "rate=-1. Supported"),
        (lambda: baselines.LocalBalancing(iterations=0), "`iterations` is 0"),
        (lambda: baselines.LocalBalancing(batch_size=0), "`batch_size` is 0"),
        (lambda: baselines.local_balancing(per="row"), "`per` is 'row'"),
    ],
)
def test_out_of_range(make, text):
    with pytest.raises(ValueError, match=text):
        make()


def test_opt_is_for_plain_neurons():
    conversion = tfsnn.convert(
        network(), config=tfsnn.ConversionConfig(neuron="signed")
    )
    with pytest.raises(ValueError, match="half a level.*supported: 'if'"):
        tfsnn.calibrate(
            conversion, images(), timesteps=[4], pipeline=baselines.opt()
        )
