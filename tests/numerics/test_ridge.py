import tracemalloc

import numpy as np
import pytest

from tfsnn.numerics.ridge import RidgeFit

RIDGE = 0.3


def data(groups=2, size=3, outputs=2, count=50):
    rng = np.random.default_rng(0)
    inputs = rng.normal(1, 2, (count, groups, size))
    return inputs, rng.normal(size=(count, groups, outputs))


def fitted(inputs, values, parts=1):
    fit = RidgeFit()
    for part in np.array_split(np.arange(len(inputs)), parts):
        fit.add(inputs[part], values[part])
    return fit


def test_equals_augmented_least_squares():
    """The ridge as rows of the design, the shift as a column without one."""
    inputs, values = data()
    slope, shift = fitted(inputs, values).solve(RIDGE)
    centred = inputs - inputs.mean(axis=0)
    scale = np.square(centred).sum(axis=0).mean()
    for group in range(2):
        x = np.c_[inputs[:, group], np.ones(len(inputs))]
        rows = np.sqrt(RIDGE * scale) * np.eye(3, 4)
        y = np.r_[values[:, group], np.zeros((3, 2))]
        expected, *_ = np.linalg.lstsq(np.r_[x, rows], y, rcond=None)
        np.testing.assert_allclose(slope[group], expected[:3], rtol=1e-9)
        np.testing.assert_allclose(shift[group], expected[3], rtol=1e-9)


@pytest.mark.parametrize("count", [1, 4, 9, 10, 11, 30])
@pytest.mark.parametrize("parts", [1, 3])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_fewer_rows_than_inputs_give_the_same_map(count, parts, dtype):
    """Ten inputs: below that many rows the products of rows are solved."""
    inputs, values = data(size=10, count=count)
    inputs, values = inputs.astype(dtype), values.astype(dtype)
    fit = fitted(inputs, values, min(parts, count))
    slope, shift = fit.solve(RIDGE)
    plain = fit.solve_without_shift(RIDGE)
    tolerance = {"rtol": 1e-9 if dtype == "float64" else 1e-4, "atol": 1e-5}
    for group in range(2):
        x, y = (a[:, group].astype("float64") for a in (inputs, values))
        for centre, found in ((True, slope), (False, plain)):
            a, b = (v - v.mean(axis=0) * centre for v in (x, y))
            scale = np.mean(
                [
                    np.square(one - one.mean(axis=0) * centre).sum() / 10
                    for one in np.moveaxis(inputs.astype("float64"), 1, 0)
                ]
            )
            penalty = RIDGE * scale * np.eye(10)
            expected = np.zeros_like(found[group])
            if scale > 1e-9:
                expected = np.linalg.solve(a.T @ a + penalty, a.T @ b)
            np.testing.assert_allclose(found[group], expected, **tolerance)
        level = y.mean(axis=0) - x.mean(axis=0) @ slope[group]
        np.testing.assert_allclose(shift[group], level, **tolerance)


def test_wide_inputs_take_no_square():
    """The first Dense layer of VGG-16 reads 25,088 values: 5 GB a square."""
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(8, 1, 25_088)).astype("float32")
    values = rng.normal(size=(8, 1, 3))
    tracemalloc.start()
    slope, shift = fitted(inputs, values, parts=2).solve(1e-6)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 20 * inputs.nbytes
    answer = np.einsum("ngd,gdc->ngc", inputs, slope) + shift
    np.testing.assert_allclose(answer, values, atol=1e-3)


def test_micro_batches_change_nothing():
    inputs, values = data()
    for whole, split in zip(
        fitted(inputs, values).solve(RIDGE),
        fitted(inputs, values, parts=7).solve(RIDGE),
        strict=True,
    ):
        np.testing.assert_allclose(split, whole, rtol=1e-10)


def test_finds_a_map_that_is_there():
    inputs, _ = data()
    slope, shift = np.random.default_rng(1).normal(size=(2, 3, 2)), np.ones(2)
    values = np.einsum("ngd,gdc->ngc", inputs, slope) + shift
    found = fitted(inputs, values).solve(1e-12)
    np.testing.assert_allclose(found[0], slope, rtol=1e-6)
    np.testing.assert_allclose(found[1], np.ones((2, 2)), rtol=1e-6)


def test_a_large_ridge_leaves_the_mean():
    inputs, values = data()
    slope, shift = fitted(inputs, values).solve(1e9)
    np.testing.assert_allclose(slope, 0, atol=1e-8)
    np.testing.assert_allclose(shift, values.mean(axis=0), atol=1e-7)


@pytest.mark.parametrize("level", [0.0, 0.1, 1e6])
def test_inputs_that_do_not_vary(level):
    inputs, values = data()
    slope, shift = fitted(np.full_like(inputs, level), values).solve(RIDGE)
    np.testing.assert_array_equal(slope, 0)
    np.testing.assert_allclose(shift, values.mean(axis=0), rtol=1e-12)


def test_float32_inputs_that_do_not_vary():
    """0.3 is none of its numbers, so that sums of its squares are rounded."""
    inputs, values = data(count=50_000)
    inputs = np.full_like(inputs, 0.3, dtype="float32")
    slope, _ = fitted(inputs, values.astype("float32"), parts=3).solve(RIDGE)
    np.testing.assert_array_equal(slope, 0)


def test_float16_inputs_are_summed_up_in_float32():
    """Sums of more than 65,504 are infinite in float16."""
    inputs, values = data(count=20_000)
    inputs = inputs.astype("float16")
    found = fitted(inputs, values).solve(RIDGE)
    expected = fitted(inputs.astype("float64"), values).solve(RIDGE)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)


def test_an_input_that_is_always_zero_gets_no_weight():
    inputs, values = data()
    inputs[:, 0, 1] = 0
    slope, _ = fitted(inputs, values).solve(RIDGE)
    np.testing.assert_array_equal(slope[0, 1], 0)
    assert np.isfinite(slope).all()


@pytest.mark.parametrize("ridge", [0, -1, np.inf, np.nan])
def test_ridge_out_of_range_is_refused(ridge):
    with pytest.raises(ValueError, match="`ridge` is"):
        fitted(*data()).solve(ridge)


def test_nothing_added_is_refused():
    with pytest.raises(RuntimeError, match="No values"):
        RidgeFit().solve(RIDGE)


def test_without_shift_is_a_map_through_zero():
    inputs, values = data(groups=1)
    slope = fitted(inputs, values).solve_without_shift(RIDGE)
    scale = np.square(inputs).sum(axis=0).mean()
    rows = np.sqrt(RIDGE * scale) * np.eye(3)
    y = np.r_[values[:, 0], np.zeros((3, 2))]
    expected, *_ = np.linalg.lstsq(np.r_[inputs[:, 0], rows], y, rcond=None)
    np.testing.assert_allclose(slope[0], expected, rtol=1e-9)


def test_without_shift_of_silent_inputs_is_zero():
    inputs, values = data()
    slope = fitted(0 * inputs, values).solve_without_shift(RIDGE)
    np.testing.assert_array_equal(slope, 0)
