"""Spikes of 0 or 1 with rescaled weights against spikes of a threshold."""

import numpy as np
import pytest

from tfsnn.numerics import (
    KernelLayout,
    rescale_kernel,
    rescale_output,
    response,
)

DENSE = KernelLayout("dense")
LAYOUTS = {
    "dense": (DENSE, (3, 4), 3, 4),
    "grouped": (KernelLayout("convolution", 2), (3, 2, 6), 4, 6),
    "transposed": (KernelLayout("transposed"), (3, 4, 3), 3, 4),
    "depthwise": (KernelLayout("depthwise"), (3, 3, 2), 3, 6),
}


@pytest.mark.parametrize("threshold", [0.7, np.array([0.1, 2.0, 30.0])])
def test_unit_spikes_give_the_same_current(threshold, rng):
    kernel = rng.normal(size=(3, 4))
    spikes = rng.integers(0, 2, (50, 3)).astype("float64")
    rescaled = rescale_kernel(kernel, threshold, layout=DENSE)
    # The same three products, associated otherwise.
    np.testing.assert_allclose(
        spikes @ rescaled, (threshold * spikes) @ kernel, rtol=1e-12, atol=1e-14
    )


@pytest.mark.parametrize("threshold", [0.5, np.array([0.25, 0.5, 2.0, 8.0])])
def test_unit_thresholds_give_the_same_rate(threshold, rng):
    # Everything dyadic: equal to the bit.
    kernel = rng.integers(-8, 9, (3, 4)) / 8
    bias = rng.integers(-8, 9, 4) / 8
    x = rng.integers(0, 9, (50, 3)) / 8
    rescaled, shift = rescale_output(kernel, bias, threshold, layout=DENSE)
    np.testing.assert_array_equal(
        response(x @ rescaled + shift, 1.0, 8),
        response(x @ kernel + bias, threshold, 8) / threshold,
    )


@pytest.mark.parametrize(
    ("layout", "shape", "inputs", "outputs"), LAYOUTS.values(), ids=LAYOUTS
)
def test_input_then_output_rescaling_is_equation_5(
    layout, shape, inputs, outputs, rng
):
    kernel = rng.normal(size=shape)
    theta_in, theta_out = np.full(inputs, 3.0), np.full(outputs, 5.0)
    kernel_in = rescale_kernel(kernel, theta_in, layout=layout)
    rescaled, _ = rescale_output(kernel_in, None, theta_out, layout=layout)
    # W * theta_in / theta_out, in another order.
    np.testing.assert_allclose(rescaled, kernel * 3.0 / 5.0, rtol=1e-14)


def test_no_bias_stays_no_bias():
    _, bias = rescale_output(np.ones((3, 4)), None, 2.0, layout=DENSE)
    assert bias is None


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_dtype_of_the_kernel_is_kept(dtype):
    kernel = np.ones((3, 4), dtype)
    rescaled, bias = rescale_output(kernel, np.ones(4), 2.0, layout=DENSE)
    assert rescale_kernel(kernel, 2.0, layout=DENSE).dtype == dtype
    assert rescaled.dtype == bias.dtype == dtype


@pytest.mark.parametrize("bad", [0.0, -1.0, np.nan])
def test_input_thresholds_must_be_positive(bad):
    with pytest.raises(ValueError, match="`input_threshold` holds"):
        rescale_kernel(np.ones((3, 4)), bad, layout=DENSE)


@pytest.mark.parametrize("bad", [0.0, -1.0, np.nan])
def test_output_thresholds_must_be_positive(bad):
    with pytest.raises(ValueError, match="`output_threshold` holds"):
        rescale_output(np.ones((3, 4)), None, bad, layout=DENSE)


def test_thresholds_of_another_length_are_refused():
    with pytest.raises(ValueError, match=r"shape \(2,\). Supported: \(\) or"):
        rescale_kernel(np.ones((3, 4)), np.ones(2), layout=DENSE)
