"""Thresholds from moments against grids, integrals and the fixed point."""

import functools
import statistics

import numpy as np
import pytest

from tests.reference import gaussian
from tfsnn.numerics import Quantiser, SortedActivations, gaussian_threshold
from tfsnn.numerics.quantiser import INITIAL_CHARGE

ROUNDINGS = pytest.mark.parametrize("rounding", ["floor", "round"])
MOMENTS = {
    "centred": (0.0, 1.0),
    "above": (2.0, 0.5),
    "below": (-1.5, 1.0),
    "wide": (1.0, 30.0),
}
MOMENT = pytest.mark.parametrize(
    ("mean", "deviation"), MOMENTS.values(), ids=MOMENTS
)


@functools.cache
def active_values(mean, deviation):
    """Quantiles of 2**18 equal parts above zero: a Gaussian without noise.

    Values below zero have no error, so they change no threshold.
    """
    normal = statistics.NormalDist()
    active = normal.cdf(mean / deviation)
    tails = (np.arange(2**18) + 0.5) / 2**18 * active
    z = [-normal.inv_cdf(tail) for tail in tails.tolist()]
    return np.maximum(mean + deviation * np.array(z), 0)


@ROUNDINGS
@MOMENT
@pytest.mark.parametrize("levels", [1, 4, 8, 16, 64, 256], ids="n{}".format)
def test_threshold_agrees_with_the_grid(mean, deviation, levels, rounding):
    values = active_values(mean, deviation)
    prepared = SortedActivations(values, "layer", max_values_per_channel=2**18)
    grid = prepared.mmse(levels, rounding=rounding, num_candidates=800)
    # The grid steps by 1/800 of the maximum, up to five thresholds, and the
    # data end before five deviations.
    np.testing.assert_allclose(
        gaussian_threshold(mean, deviation, levels, rounding=rounding),
        grid,
        rtol=0.01,
    )


@ROUNDINGS
@MOMENT
@pytest.mark.parametrize("levels", [1, 4, 16, 64, 1000], ids="n{}".format)
def test_threshold_has_the_least_integral(mean, deviation, levels, rounding):
    charge = INITIAL_CHARGE[rounding]
    theta = gaussian_threshold(mean, deviation, levels, rounding=rounding)
    errors = [
        gaussian.mean_squared_error(mean, deviation, t, levels, charge)
        for t in theta * np.array([0.9, 0.97, 1.0, 1.03, 1.1])
    ]
    assert np.argmin(errors) == 2


@MOMENT
@pytest.mark.parametrize("levels", [1, 8, 64, 4096], ids="n{}".format)
def test_rounding_threshold_is_the_published_fixed_point(
    mean, deviation, levels
):
    theta = float(gaussian_threshold(mean, deviation, levels))
    k = gaussian.fixed_point_factor(mean, deviation, theta, levels)
    # Beyond 300 levels the slope is that of an expansion.
    assert abs(k - 1) < 1e-7


@pytest.mark.parametrize("levels", [1, 8, 64], ids="n{}".format)
def test_published_iteration_ends_at_the_threshold(levels):
    theta = 4.0
    for _ in range(3000):
        theta *= gaussian.fixed_point_factor(0.5, 1.0, theta, levels)
    # The last steps of the iteration.
    np.testing.assert_allclose(
        gaussian_threshold(0.5, 1.0, levels), theta, rtol=1e-6
    )


def test_best_of_several_optima_is_taken():
    # Narrow beside a step: thresholds about 31, 39 and 60 are all minima of
    # four levels.
    theta = gaussian_threshold(30.0, 3.0, 4)
    errors = [
        gaussian.mean_squared_error(30.0, 3.0, t, 4, 0.5)
        for t in [25.0, 29.0, 30.0, 31.0, 33.0, 36.0, 39.0, 40.0, 41.0, 60.0]
    ]
    assert gaussian.mean_squared_error(30.0, 3.0, theta, 4, 0.5) <= min(errors)


@pytest.mark.parametrize(
    "quantiser", [Quantiser.burst(8, 4), Quantiser.bit_plane(5)], ids=str
)
def test_quantiser_sets_levels_and_step(quantiser):
    largest = gaussian_threshold(0.5, 2.0, quantiser.num_levels)
    theta = gaussian_threshold(0.5, 2.0, quantiser)
    # Divided and multiplied: two roundings.
    np.testing.assert_allclose(
        quantiser.largest_value(theta), largest, rtol=1e-15
    )


@ROUNDINGS
@pytest.mark.parametrize("levels", [1, 8, 2**16], ids="n{}".format)
@pytest.mark.parametrize("ratio", [1e2, 1e4, 1e6, 1e8], ids="{:g}".format)
def test_nearly_constant_channel_gets_nearly_its_value(ratio, levels, rounding):
    theta = gaussian_threshold(3.0, 3.0 / ratio, levels, rounding=rounding)
    # Within the reach of the bracket, 11 deviations.
    assert abs(theta - 3.0) <= 11 * 3.0 / ratio


def test_levels_beyond_the_data_follow_the_tail():
    # Clipping balances the step: theta grows with sqrt(log n).
    theta = [float(gaussian_threshold(0, 1, 2**k)) for k in range(8, 17)]
    steps = np.diff(theta)
    assert (steps > 0).all()
    assert (np.diff(steps) < 0).all()
    assert theta[-1] < 7


@ROUNDINGS
@pytest.mark.parametrize("levels", [1, 16, 2**16], ids="n{}".format)
def test_constant_channel_gets_its_value(levels, rounding):
    theta = gaussian_threshold(
        [0.3, 7.0], [0.0, 0.0], levels, rounding=rounding
    )
    np.testing.assert_array_equal(theta, [0.3, 7.0])


@pytest.mark.parametrize(
    ("mean", "deviation"),
    [(-7.0, 1.0), (-1.0, 0.0), (0.0, 0.0), (0.0, 1e-40)],
    ids=["below", "negative", "zero", "dust"],
)
def test_dead_channel_gets_the_largest_of_the_layer(mean, deviation):
    theta = gaussian_threshold([0.5, mean, 1.0], [1.0, deviation, 2.0], 8)
    assert theta[1] == theta[2] > theta[0]


def test_dead_layer_gets_one():
    np.testing.assert_array_equal(gaussian_threshold([-9, 0], [1, 0], 8), 1.0)


@pytest.mark.parametrize("shape", [(), (1,), (5,)], ids=str)
def test_shape_and_dtype_of_thresholds(shape):
    theta = gaussian_threshold(np.zeros(shape, "float32"), np.ones(shape), 8)
    assert theta.shape == shape
    assert theta.dtype == np.float64


def test_channels_do_not_depend_on_each_other(rng):
    mean, deviation = rng.normal(size=20), rng.uniform(0.01, 5, 20)
    together = gaussian_threshold(mean, deviation, 80)
    alone = [
        float(gaussian_threshold(m, d, 80))
        for m, d in zip(mean, deviation, strict=True)
    ]
    # Sums over more or fewer empty places.
    np.testing.assert_allclose(together, alone, rtol=1e-9)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"timesteps": 0}, "`timesteps` is 0"),
        ({"rounding": "up"}, "`rounding` is 'up'"),
        ({"mean": [[1.0]]}, r"`mean` has shape \(1, 1\)"),
        ({"deviation": [1.0, 2.0]}, r"`deviation` has shape \(2,\)"),
        ({"mean": np.nan, "deviation": 1.0}, "`mean` holds nan"),
        ({"deviation": [-1.0]}, "`deviation` holds -1.0"),
        ({"deviation": [np.inf]}, "`deviation` holds inf"),
    ],
    ids=["timesteps", "rounding", "rank", "shape", "nan", "negative", "inf"],
)
def test_arguments_are_checked(options, text):
    arguments = {"mean": [1.0], "deviation": [1.0], "timesteps": 8, **options}
    with pytest.raises(ValueError, match=text):
        gaussian_threshold(**arguments)
