"""Thresholds against brute force, and on degenerate activations."""

import numpy as np
import pytest

from tests.reference import quantiser
from tfsnn.errors import DataError
from tfsnn.numerics import Quantiser, SortedActivations, response
from tfsnn.numerics.quantiser import INITIAL_CHARGE

QUANTISERS = {
    "burst": Quantiser.burst(4, 3),
    "bit_plane": Quantiser.bit_plane(3),
    "many": Quantiser(1000, 7),
}
GRANULARITIES = ["layer", "channel"]
ROUNDINGS = ["floor", "round"]
METHODS = {
    "maximum": lambda s: s.maximum(),
    "percentile": lambda s: s.percentile(99.9),
    "mmse_floor": lambda s: s.mmse(8),
    "mmse_round": lambda s: s.mmse(8, rounding="round"),
}


@pytest.fixture
def activations(rng):
    """ReLU of a normal distribution of another width per channel."""
    values = np.maximum(rng.standard_normal((5, 4, 4, 3)), 0)
    return values * np.array([0.1, 1.0, 30.0])


def columns(values, granularity):
    """One flat array per threshold."""
    if granularity == "layer":
        return [values.ravel()]
    return list(values.reshape(-1, values.shape[-1]).T)


@pytest.mark.parametrize("granularity", GRANULARITIES)
def test_maximum_is_the_largest_activation(activations, granularity):
    expected = [column.max() for column in columns(activations, granularity)]
    threshold = SortedActivations(activations, granularity).maximum()
    np.testing.assert_array_equal(threshold.ravel(), expected)


@pytest.mark.parametrize("granularity", GRANULARITIES)
@pytest.mark.parametrize("q", [60.0, 99.0, 99.9, 100.0])
def test_percentile_is_that_of_numpy(activations, granularity, q):
    expected = [np.percentile(c, q) for c in columns(activations, granularity)]
    threshold = SortedActivations(activations, granularity).percentile(q)
    # Interpolated in another order than NumPy: a few roundings apart.
    np.testing.assert_allclose(threshold.ravel(), expected, rtol=1e-12)


@pytest.mark.parametrize("granularity", GRANULARITIES)
@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("timesteps", [1, 4, 32])
def test_mmse_is_the_best_of_the_grid(
    activations, granularity, rounding, timesteps
):
    charge = INITIAL_CHARGE[rounding]
    threshold = SortedActivations(activations, granularity).mmse(
        timesteps, rounding=rounding, num_candidates=40
    )
    pairs = zip(
        columns(activations, granularity), threshold.ravel(), strict=True
    )
    for values, theta in pairs:
        grid, errors = quantiser.grid_errors(values, timesteps, charge, 40)
        chosen = errors[grid == theta]
        # Sums in another order; equally good candidates may both win.
        np.testing.assert_allclose(chosen, [errors.min()], rtol=1e-9)


@pytest.mark.parametrize("granularity", GRANULARITIES)
@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("timesteps", [1, 7, 64])
def test_mean_squared_error_is_that_of_the_response(
    activations, granularity, rounding, timesteps
):
    threshold = SortedActivations(activations, granularity).percentile(97.0)
    out = response(
        activations,
        threshold,
        timesteps,
        INITIAL_CHARGE[rounding] * threshold,
    )
    error = SortedActivations(activations, granularity).mean_squared_error(
        threshold, timesteps, rounding=rounding
    )
    squares = columns((out - activations) ** 2, granularity)
    # Two sums cancel down to the error: T^2 roundings of the sum of squares.
    np.testing.assert_allclose(
        error.ravel(), [each.mean() for each in squares], rtol=1e-9
    )


def test_mean_squared_error_takes_one_threshold_for_all(activations):
    prepared = SortedActivations(activations)
    np.testing.assert_array_equal(
        prepared.mean_squared_error(0.5, 8),
        prepared.mean_squared_error(np.full(3, 0.5), 8),
    )


@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_mmse_matched_to_a_rounding_is_best_for_that_rounding(
    activations, rounding
):
    prepared = SortedActivations(activations)
    other = {"floor": "round", "round": "floor"}[rounding]
    errors = [
        prepared.mean_squared_error(
            prepared.mmse(8, rounding=chosen), 8, rounding=rounding
        )
        for chosen in (rounding, other)
    ]
    assert (errors[0] <= errors[1]).all()
    assert errors[0].sum() < errors[1].sum()


def test_threshold_of_a_channel_does_not_depend_on_the_others(activations):
    alone = SortedActivations(activations[..., 1:2]).mmse(8)
    np.testing.assert_array_equal(
        SortedActivations(activations).mmse(8)[1:2], alone
    )


every_quantiser = pytest.mark.parametrize(
    "quantiser_", QUANTISERS.values(), ids=QUANTISERS
)


@every_quantiser
@pytest.mark.parametrize("granularity", GRANULARITIES)
@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_mmse_of_any_quantiser_is_the_best_of_the_grid(
    activations, quantiser_, granularity, rounding
):
    levels, per = quantiser_.num_levels, quantiser_.levels_per_threshold
    prepared = SortedActivations(activations, granularity)
    found = prepared.mmse(quantiser_, rounding=rounding, num_candidates=20)
    pairs = zip(columns(activations, granularity), found.ravel(), strict=True)
    for values, theta in pairs:
        # The largest value, theta * levels / per, on (0, max].
        grid = values.max() * per / levels * np.arange(1, 21) / 20
        errors = [
            quantiser.mean_squared_error(
                values, candidate, per, INITIAL_CHARGE[rounding], levels
            )
            for candidate in grid
        ]
        chosen = np.isclose(grid, theta, rtol=1e-12)
        # The largest value may miss its level by a rounding in the oracle:
        # one value of 80 or 240 by one step.
        assert np.array(errors)[chosen] <= min(errors) * 1.02


@every_quantiser
@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_error_of_any_quantiser_is_that_of_the_oracle(
    activations, quantiser_, rounding
):
    threshold = np.array([0.11, 0.7, 40.0])
    error = SortedActivations(activations).mean_squared_error(
        threshold, quantiser_, rounding=rounding
    )
    expected = [
        quantiser.mean_squared_error(
            values,
            theta,
            quantiser_.levels_per_threshold,
            INITIAL_CHARGE[rounding],
            quantiser_.num_levels,
        )
        for values, theta in zip(
            columns(activations, "channel"), threshold, strict=True
        )
    ]
    # Two sums cancel down to the error.
    np.testing.assert_allclose(error, expected, rtol=1e-9)


def test_plain_quantiser_is_the_number_of_timesteps(activations):
    prepared = SortedActivations(activations)
    np.testing.assert_array_equal(
        prepared.mmse(Quantiser(8, 8)), prepared.mmse(8)
    )
    np.testing.assert_array_equal(
        prepared.mean_squared_error(0.5, Quantiser(8, 8)),
        prepared.mean_squared_error(0.5, 8),
    )


def test_burst_without_clipping_has_a_lower_threshold(activations):
    # Four times the levels over nearly the same range.
    prepared = SortedActivations(activations)
    burst = prepared.mmse(Quantiser.burst(8, 4), rounding="round")
    assert (burst < prepared.mmse(8, rounding="round") / 2).all()


@every_quantiser
def test_dead_and_constant_channels_of_any_quantiser(quantiser_):
    activations = np.zeros((6, 3))
    activations[:, 1] = 0.3
    activations[:, 2] = np.linspace(0, 2, 6)
    thresholds = SortedActivations(activations).mmse(quantiser_)
    # As thresholds: the maximum of the layer, and the constant.
    np.testing.assert_allclose(
        quantiser_.largest_value(thresholds)[:2], [2.0, 0.3], rtol=1e-15
    )


@pytest.mark.parametrize("timesteps", [2**13, 2**16], ids=["looked", "valued"])
def test_many_candidates_in_blocks_equal_one_at_a_time(rng, timesteps):
    # 2**17 values: 32 and 2 candidates a block.
    values = rng.exponential(size=2**17)
    prepared = SortedActivations(values, "layer")
    grid = values.max() * (np.arange(1, 41) / 40)
    errors = [prepared.mean_squared_error(theta, timesteps) for theta in grid]
    theta = prepared.mmse(timesteps, num_candidates=40)
    assert prepared.mean_squared_error(theta, timesteps) == min(errors)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("granularity", "shape"), [("layer", ()), ("channel", (3,))]
)
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_shape_and_dtype_of_thresholds(
    activations, method, granularity, shape, dtype
):
    prepared = SortedActivations(activations.astype(dtype), granularity)
    threshold = METHODS[method](prepared)
    assert isinstance(threshold, np.ndarray)
    assert threshold.shape == shape
    assert threshold.dtype == np.float64


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dust", [0.0, 1e-40], ids=["zero", "subnormal"])
def test_dead_channel_gets_the_maximum_of_the_layer(activations, method, dust):
    activations[..., 0] = dust
    threshold = METHODS[method](SortedActivations(activations))
    assert threshold[0] == activations.max()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("granularity", GRANULARITIES)
def test_dead_layer_gets_one(method, granularity):
    prepared = SortedActivations(np.zeros((4, 2, 3)), granularity)
    np.testing.assert_array_equal(METHODS[method](prepared), 1.0)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("value", [1.0, 0.3, 1e-12, 1e30])
def test_constant_channel_gets_its_value(method, value):
    prepared = SortedActivations(np.full((6, 2), value))
    np.testing.assert_array_equal(METHODS[method](prepared), value)


def test_one_value_is_enough():
    assert SortedActivations([2.5], "layer").mmse(4) == 2.5


def test_rarely_active_channel_has_its_maximum_as_percentile():
    activations = np.zeros((1000, 1))
    activations[7] = 3.0
    assert SortedActivations(activations).percentile(90.0) == 3.0


def test_source_is_not_changed(activations):
    before = activations.copy()
    SortedActivations(activations).mmse(4)
    np.testing.assert_array_equal(activations, before)


def test_returned_maximum_is_not_shared(activations):
    prepared = SortedActivations(activations)
    prepared.maximum()[:] = 0
    assert (prepared.maximum() > 0).all()


@pytest.mark.parametrize("granularity", GRANULARITIES)
def test_subsample_is_the_same_each_time(rng, granularity):
    values = rng.exponential(size=(4096, 2))
    first, second = (
        SortedActivations(values, granularity, max_values_per_channel=500)
        for _ in range(2)
    )
    np.testing.assert_array_equal(first.mmse(8), second.mmse(8))


def test_subsample_keeps_the_maximum_of_all_values():
    values = np.ones((10_000, 1))
    values[1234] = 50.0
    prepared = SortedActivations(values, max_values_per_channel=10)
    assert prepared.maximum() == prepared.percentile(100) == 50.0


def test_subsample_does_not_fall_in_step_with_image_columns():
    # [N, H, W, C] with the column as value: its mean is 15.5. A plain
    # stride of 32 would see column 0 alone.
    values = np.broadcast_to(np.arange(32.0)[:, None], (8, 32, 32, 1))
    prepared = SortedActivations(values, max_values_per_channel=256)
    # Median of 0...31 evenly covered, within one column.
    assert abs(prepared.percentile(50)[0] - 15.5) <= 1


def test_subsample_finds_nearly_the_same_threshold(rng):
    values = np.maximum(rng.standard_normal((2**16, 2)), 0)
    whole = SortedActivations(values)
    part = SortedActivations(values, max_values_per_channel=2**13)
    # 3 of 100 grid points; the sample is an eighth.
    np.testing.assert_allclose(
        part.mmse(8), whole.mmse(8), atol=0.03 * values.max()
    )


@pytest.mark.parametrize("shape", [(0, 3), (4, 0), ()])
def test_no_activations_are_refused(shape):
    with pytest.raises(DataError, match="at least one value"):
        SortedActivations(np.zeros(shape))


@pytest.mark.parametrize(
    ("bad", "text"),
    [
        (-1.0, "6 activations 1 are negative and 0 NaN"),
        (np.nan, "6 activations 0 are negative and 1 NaN"),
        (np.inf, "6 activations 0 are negative and 1 NaN"),
        (-np.inf, "6 activations 1 are negative and 1 NaN"),
        (1e200, "6 activations 0 are negative and 1 NaN"),
    ],
    ids=str,
)
def test_unusable_activations_are_refused(bad, text):
    activations = np.ones((2, 3))
    activations[1, 1] = bad
    with pytest.raises(DataError, match=f"Of {text} or infinite"):
        SortedActivations(activations)


def test_unknown_granularity_is_refused():
    with pytest.raises(ValueError, match="`granularity` is 'pixel'"):
        SortedActivations(np.ones(3), "pixel")


def test_limit_below_one_is_refused():
    with pytest.raises(ValueError, match="`max_values_per_channel` is 0"):
        SortedActivations(np.ones(3), max_values_per_channel=0)


@pytest.mark.parametrize("q", [0, -1, 100.1, np.nan])
def test_percentage_out_of_range_is_refused(q):
    with pytest.raises(ValueError, match="`q` is .* above 0, at most 100"):
        SortedActivations(np.ones(3)).percentile(q)


@pytest.mark.parametrize("smallest", [0.06, 0.5, 0.99])
def test_smallest_leaves_out_points(rng, smallest):
    values = np.append(rng.uniform(0, 1, 5000), 100)
    theta = SortedActivations(values, "layer").mmse(8, smallest=smallest)
    grid = [k for k in range(1, 101) if k / 100 >= smallest]
    errors = [
        np.mean((response(values, k, 8, 0.0) - values) ** 2) for k in grid
    ]
    assert theta == grid[int(np.argmin(errors))]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"timesteps": 0}, "`timesteps` is 0"),
        ({"timesteps": 4, "rounding": "up"}, "`rounding` is 'up'"),
        ({"timesteps": 4, "num_candidates": 0}, "`num_candidates` is 0"),
        ({"timesteps": 4, "smallest": 1.0}, "`smallest` is 1.0. Supported"),
    ],
    ids=["timesteps", "rounding", "num_candidates", "smallest"],
)
def test_options_of_mmse_are_checked(options, text):
    with pytest.raises(ValueError, match=text):
        SortedActivations(np.ones(3)).mmse(**options)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"threshold": 0.0, "timesteps": 4}, "`threshold` holds 0.0"),
        ({"threshold": [1.0, 1.0], "timesteps": 4}, "`threshold` has shape"),
        ({"threshold": 1.0, "timesteps": 0}, "`timesteps` is 0"),
        (
            {"threshold": 1.0, "timesteps": 4, "rounding": "up"},
            "`rounding` is 'up'",
        ),
    ],
    ids=["threshold", "shape", "timesteps", "rounding"],
)
def test_options_of_mean_squared_error_are_checked(options, text):
    with pytest.raises(ValueError, match=text):
        SortedActivations(np.ones((4, 3))).mean_squared_error(**options)
