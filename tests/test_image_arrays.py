"""Refusals of arrays say what to do."""

import ml_dtypes
import numpy as np
import pytest

from tfsnn import image_arrays
from tfsnn.errors import DataError

SHAPE = (8, 6, 3)


@pytest.mark.parametrize(
    "shape, expected, result",
    [
        pytest.param((8, 6, 3), (8, 6, 3), True, id="equal"),
        pytest.param((9, 6, 3), (None, None, 3), True, id="any"),
        pytest.param((8, 6, 1), (None, None, 3), False, id="channels"),
        pytest.param((8, 6), (None, None, None), False, id="rank"),
        pytest.param((), (), True, id="scalar"),
    ],
)
def test_fits(shape, expected, result):
    assert image_arrays.fits(shape, expected) is result


@pytest.mark.parametrize(
    "dtype, result",
    [
        (np.uint8, True),
        (np.int64, True),
        (np.float16, True),
        (np.bool_, True),
        (ml_dtypes.bfloat16, True),
        (np.complex64, False),
        (np.str_, False),
        (np.object_, False),
        (np.dtype("datetime64[s]"), False),
    ],
    ids=str,
)
def test_is_numeric(dtype, result):
    assert image_arrays.is_numeric(np.dtype(dtype)) is result


@pytest.mark.parametrize("dtype", [np.uint8, np.float64, ml_dtypes.bfloat16])
def test_to_float32_keeps_values_and_shares_no_memory(dtype):
    images = np.arange(6).astype(dtype)
    result = image_arrays.to_float32(images)
    assert result.dtype == np.float32
    np.testing.assert_array_equal(result, [0, 1, 2, 3, 4, 5])
    assert not np.shares_memory(result, images)


def test_to_float32_overflows_to_infinity_silently():
    assert np.isinf(image_arrays.to_float32(np.array([1e300]))).all()


@pytest.mark.parametrize(
    "shape, input_shape",
    [
        pytest.param((5, 8, 6, 3), SHAPE, id="images"),
        pytest.param((0, 8, 6, 3), SHAPE, id="empty"),
        pytest.param((5, 20), (20,), id="vectors"),
        pytest.param((5, 9, 2, 3), (None, None, 3), id="any-size"),
    ],
)
def test_batch_that_fits_has_no_problem(shape, input_shape):
    assert image_arrays.find_problems(np.zeros(shape), input_shape) == []


@pytest.mark.parametrize(
    "shape, input_shape, hint",
    [
        pytest.param(SHAPE, SHAPE, r"single image.*images\[None\]", id="one"),
        pytest.param(
            (5, 8, 6), (8, 6, 1), r"channel axis.*\[\.\.\., None\]", id="grey"
        ),
        pytest.param((8, 6), (8, 6, 1), "channel axis is missing", id="grey-1"),
        pytest.param((5, 3, 8, 6), SHAPE, r"moveaxis\(images, -3", id="first"),
        pytest.param((3, 8, 6), SHAPE, "channels come first", id="first-1"),
        pytest.param(
            (5, 3, 8), (8, 3), "channels come first: move them last.", id="1d"
        ),
        pytest.param(
            (5, 144), SHAPE, r"flattened: reshape them to \(-1", id="flat"
        ),
        pytest.param((5, 8, 6, 1), SHAPE, "1 channels, not 3", id="channels"),
        pytest.param((5, 9, 9, 3), SHAPE, "Resize or crop", id="size"),
        pytest.param((5, 2), SHAPE, "Reshape the images", id="rank"),
        pytest.param((5, 2), (), "Reshape the images", id="scalar-input"),
    ],
)
def test_shape_problem_hints_at_the_cause(shape, input_shape, hint):
    (problem,) = image_arrays.find_problems(np.zeros(shape), input_shape)
    assert f"Received images of shape {shape}, dtype float64" in problem
    assert image_arrays.shape_text(input_shape) in problem
    with pytest.raises(DataError, match=hint):
        image_arrays.refuse("data", [problem])


@pytest.mark.parametrize(
    "labels", [np.array([1, 2]), np.array(3), np.arange(4, dtype=np.uint8)]
)
def test_integer_vectors_look_like_labels(labels):
    (problem,) = image_arrays.find_problems(labels, SHAPE)
    assert "look like labels in the data" in problem
    assert "(images, labels)" in problem


def test_shape_and_dtype_are_reported_together():
    problems = image_arrays.find_problems(np.array([["a", "b"]]), SHAPE)
    assert len(problems) == 2
    assert "shape (1, 2)" in problems[0]
    assert "dtype <U1, which is not numeric" in problems[1]


def test_dtype_alone_is_a_problem():
    (problem,) = image_arrays.find_problems(np.array([["a"]]), (1,))
    assert "dtype <U1, which is not numeric" in problem


def test_unknown_sizes_read_any():
    assert image_arrays.shape_text((None, 4, 3)) == "[B, any, 4, 3]"


def test_non_finite_values_are_counted():
    images = np.array([np.nan, 1, np.inf, -np.inf, 2, 3])
    (problem,) = image_arrays.find_non_finite(images)
    assert "1 NaN and 2 infinite values" in problem
    assert "among 6 pixel values" in problem


def test_finite_values_are_no_problem():
    assert image_arrays.find_non_finite(np.ones(3)) == []


def test_refuse_lists_all_problems():
    text = "2 problems in the data:\n- First\\.\n- Second\\."
    with pytest.raises(DataError, match=text):
        image_arrays.refuse("data", ["First.", "Second."])
