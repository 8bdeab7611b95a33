"""Least-squares gains against NumPy's solver, whole and in micro-batches."""

import numpy as np
import pytest

from tfsnn.errors import DataError
from tfsnn.numerics import GainFit, least_squares_gain

WIDE = (1e-6, 1e6)


@pytest.fixture
def currents(rng):
    """Spiking and analog currents that are related by a line and noise."""
    z = rng.normal(size=(6, 4, 4, 3)) * [0.1, 1.0, 20.0] + [5.0, 0.0, -3.0]
    y = [1.3, 0.8, 1.0] * z + [0.2, -1.0, 0.0]
    return z, y + 0.1 * rng.normal(size=z.shape)


def squares(z, y, gain, shift):
    return ((gain * z + shift - y) ** 2).sum(axis=(0, 1, 2))


def test_line_is_that_of_numpy(currents):
    gain, shift = least_squares_gain(*currents, limits=WIDE)
    for c in range(3):
        z, y = (x[..., c].ravel() for x in currents)
        columns = np.stack([z, np.ones_like(z)], axis=1)
        expected = np.linalg.lstsq(columns, y, rcond=None)[0]
        # Another solver, with a condition number of some hundreds.
        np.testing.assert_allclose([gain[c], shift[c]], expected, rtol=1e-10)


def test_exact_line_is_found():
    z = np.arange(12.0).reshape(6, 2)
    gain, shift = least_squares_gain(z, 1.5 * z - 4.0)
    # A few roundings of numbers up to 12.
    np.testing.assert_allclose(gain, 1.5, rtol=1e-14)
    np.testing.assert_allclose(shift, -4.0, rtol=1e-13)


@pytest.mark.parametrize(
    ("slope", "expected"), [(3.0, 2.0), (0.1, 0.5), (-1.0, 0.5)], ids=str
)
def test_shift_goes_with_the_clipped_gain(rng, slope, expected):
    z = rng.normal(size=(50, 1)) + 2
    y = slope * z + 1
    gain, shift = least_squares_gain(z, y)
    assert gain == expected
    # The best shift of a given gain makes the means equal.
    np.testing.assert_allclose(
        shift, (y - expected * z).mean(axis=0), rtol=1e-12
    )


def test_neighbours_of_the_line_are_worse(currents):
    gain, shift = least_squares_gain(*currents, limits=WIDE)
    best = squares(*currents, gain, shift)
    for gain_step, shift_step in [(1e-3, 0), (-1e-3, 0), (0, 1e-3), (0, -1e-3)]:
        other = squares(*currents, gain + gain_step, shift + shift_step)
        assert (other > best).all()


@pytest.mark.parametrize("sizes", [(1, 5), (2, 2, 2), (0, 6)], ids=str)
def test_micro_batches_equal_the_whole(currents, sizes):
    fit = GainFit(limits=WIDE)
    start = 0
    for size in sizes:
        fit.add(*(x[start : start + size] for x in currents))
        start += size
    whole = least_squares_gain(*currents, limits=WIDE)
    # Sums in another order.
    np.testing.assert_allclose(fit.result().gain, whole.gain, rtol=1e-12)
    np.testing.assert_allclose(
        fit.result().shift, whole.shift, rtol=1e-12, atol=1e-12
    )


def test_result_can_be_read_between_batches(currents):
    fit = GainFit()
    fit.add(*(x[:3] for x in currents))
    half = fit.result()
    fit.add(*(x[3:] for x in currents))
    np.testing.assert_array_equal(
        half.gain, least_squares_gain(*(x[:3] for x in currents)).gain
    )
    assert (fit.result().gain != half.gain).any()


@pytest.mark.parametrize("value", [0.0, 0.1, -1e9], ids=str)
def test_constant_channel_gets_a_gain_of_one(rng, value):
    y = rng.normal(size=(40, 1))
    fit = GainFit()
    for part in range(0, 40, 8):
        fit.add(np.full((8, 1), value), y[part : part + 8])
    gain, shift = fit.result()
    assert gain == 1.0
    # A few roundings of the constant.
    np.testing.assert_allclose(shift, y.mean() - value, rtol=1e-12, atol=1e-12)


def test_large_offset_does_not_drown_the_gain(rng):
    z = rng.normal(size=(1000, 1))
    fit = GainFit()
    for part in range(0, 1000, 100):
        batch = z[part : part + 100]
        fit.add(batch + 1e8, 1.5 * batch)
    # The offset leaves 1e-8 of each value.
    np.testing.assert_allclose(fit.result().gain, 1.5, rtol=1e-6)


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_narrow_dtypes_are_summed_in_float64(dtype, rng):
    z = rng.normal(size=(4096, 2)).astype(dtype)
    gain, shift = least_squares_gain(z, 2 * z.astype("float64") - 1)
    assert gain.dtype == shift.dtype == np.float64
    # A few roundings of float64.
    np.testing.assert_allclose(gain, 2.0, rtol=1e-13)
    np.testing.assert_allclose(shift, -1.0, rtol=1e-13)


@pytest.mark.parametrize(
    "limits", [(1.5, 2.0), (0.5, 0.9), (2.0, 0.5)], ids=str
)
def test_limits_that_leave_out_one_are_refused(limits):
    with pytest.raises(ValueError, match="`limits` are .* at most 1"):
        GainFit(limits=limits)


@pytest.mark.parametrize("limits", [(0.0, 2.0), (0.5, np.inf)], ids=str)
def test_limits_must_be_finite_and_positive(limits):
    with pytest.raises(ValueError, match="`limits` holds"):
        GainFit(limits=limits)


@pytest.mark.parametrize(
    ("spiking", "analog"),
    [((4, 2), (4, 3)), ((4, 2), (3, 2)), ((), ())],
    ids=["channels", "images", "scalar"],
)
def test_currents_of_different_shapes_are_refused(spiking, analog):
    with pytest.raises(DataError, match="Spiking currents have shape"):
        GainFit().add(np.ones(spiking), np.ones(analog))


def test_batch_with_other_channels_is_refused():
    fit = GainFit()
    fit.add(np.ones((4, 2)), np.ones((4, 2)))
    with pytest.raises(DataError, match=r"have shape \(4, 5\)"):
        fit.add(np.ones((4, 5)), np.ones((4, 5)))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("which", [0, 1], ids=["spiking", "analog"])
def test_currents_that_are_not_finite_are_refused(bad, which):
    currents = [np.ones((4, 2)), np.ones((4, 2))]
    currents[which][1, 1] = bad
    with pytest.raises(DataError, match="Of 16 currents 1 are NaN"):
        least_squares_gain(*currents)


def test_result_without_values_is_refused():
    fit = GainFit()
    fit.add(np.ones((0, 2)), np.ones((0, 2)))
    with pytest.raises(DataError, match="No currents were added"):
        fit.result()
