"""Kernel layouts against loops over taps and channels."""

import numpy as np
import pytest

from tests.reference.affine import apply_at_one_position
from tfsnn.numerics import KernelLayout

# layout, kernel shape, input channels, output channels
CASES = {
    "dense": (KernelLayout("dense"), (3, 4), 3, 4),
    "conv1d": (KernelLayout("convolution"), (5, 3, 4), 3, 4),
    "conv3d": (KernelLayout("convolution"), (2, 2, 2, 3, 4), 3, 4),
    "grouped": (KernelLayout("convolution", 2), (3, 3, 2, 6), 4, 6),
    "transposed": (KernelLayout("transposed"), (3, 2, 4, 3), 3, 4),
    "depthwise": (KernelLayout("depthwise"), (3, 2, 3, 2), 3, 6),
}


def table(cases):
    return pytest.mark.parametrize(
        ("layout", "shape", "inputs", "outputs"), cases.values(), ids=cases
    )


cases = table(CASES)
uniform_cases = table(
    {name: case for name, case in CASES.items() if name != "transposed"}
)


def apply(layout, kernel, x):
    taps = kernel.reshape(-1, *kernel.shape[-2:])
    return apply_at_one_position(layout.kind, taps, x, layout.groups)


@cases
def test_channels_are_counted(layout, shape, inputs, outputs):
    kernel = np.zeros(shape)
    assert layout.num_input_channels(kernel) == inputs
    assert layout.num_output_channels(kernel) == outputs


@cases
def test_largest_weights_by_channel(layout, shape, inputs, outputs, rng):
    """One kernel entry at a time: which channels does it join?"""
    by_input, by_output = np.zeros(inputs), np.zeros(outputs)
    kernel = rng.standard_normal(shape)
    taps = int(np.prod(shape[:-2]))
    for index in np.ndindex(shape):
        one = np.zeros(shape)
        one[index] = kernel[index]
        for channel in range(inputs):
            x = np.zeros((taps, inputs))
            x[:, channel] = 1
            response = np.abs(apply(layout, one, x))
            by_input[channel] = max(by_input[channel], response.max())
            by_output = np.maximum(by_output, response)
    # Products with one.
    np.testing.assert_array_equal(layout.largest_by_input(kernel), by_input)
    np.testing.assert_array_equal(layout.largest_by_output(kernel), by_output)


@cases
def test_scaled_inputs_equal_scaled_data(layout, shape, inputs, outputs, rng):
    kernel = rng.standard_normal(shape)
    factor = rng.uniform(0.5, 2, inputs)
    x = rng.standard_normal((int(np.prod(shape[:-2])), inputs))
    # The same products, associated otherwise.
    np.testing.assert_allclose(
        apply(layout, layout.scale_inputs(kernel, factor), x),
        apply(layout, kernel, factor * x),
        rtol=1e-12,
    )


@cases
def test_scaled_outputs_equal_scaled_results(
    layout, shape, inputs, outputs, rng
):
    kernel = rng.standard_normal(shape)
    factor = rng.uniform(0.5, 2, outputs)
    x = rng.standard_normal((int(np.prod(shape[:-2])), inputs))
    np.testing.assert_allclose(
        apply(layout, layout.scale_outputs(kernel, factor), x),
        factor * apply(layout, kernel, x),
        rtol=1e-12,
    )


@uniform_cases
def test_response_to_a_shift_is_that_of_the_kernel(
    layout, shape, inputs, outputs, rng
):
    kernel = rng.standard_normal(shape)
    shift = rng.standard_normal(inputs)
    x = np.broadcast_to(shift, (int(np.prod(shape[:-2])), inputs))
    np.testing.assert_allclose(
        layout.response_to(kernel, shift),
        apply(layout, kernel, x),
        rtol=1e-12,
    )


@cases
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_shape_and_dtype_are_kept(layout, shape, inputs, outputs, dtype):
    kernel = np.ones(shape, dtype)
    for scaled in (
        layout.scale_inputs(kernel, np.full(inputs, 2.0)),
        layout.scale_outputs(kernel, np.full(outputs, 2.0)),
    ):
        assert scaled.dtype == dtype
        np.testing.assert_array_equal(scaled, np.full(shape, 2.0))


def test_a_scalar_factor_scales_every_channel():
    layout = KernelLayout("dense")
    np.testing.assert_array_equal(
        layout.scale_inputs(np.ones((2, 3)), 4.0), np.full((2, 3), 4.0)
    )


def test_layouts_are_values():
    assert KernelLayout("dense") == KernelLayout("dense", groups=1)
    assert hash(KernelLayout("dense")) == hash(KernelLayout("dense"))


def test_unknown_kind_is_refused():
    with pytest.raises(
        ValueError, match="`kind` is 'pool'. Supported: 'dense'"
    ):
        KernelLayout("pool")


@pytest.mark.parametrize("groups", [0, -2])
def test_groups_below_one_are_refused(groups):
    with pytest.raises(ValueError, match="`groups` is .* at least 1"):
        KernelLayout("convolution", groups)


@pytest.mark.parametrize("kind", ["dense", "transposed", "depthwise"])
def test_groups_elsewhere_are_refused(kind):
    with pytest.raises(ValueError, match="was given 2 groups"):
        KernelLayout(kind, 2)


@pytest.mark.parametrize(
    ("layout", "shape"),
    [
        (KernelLayout("dense"), (4,)),
        (KernelLayout("convolution"), (3, 4)),
        (KernelLayout("convolution", 2), (3, 2, 5)),
    ],
    ids=["dense", "convolution", "grouped"],
)
def test_kernels_of_another_shape_are_refused(layout, shape):
    with pytest.raises(ValueError, match="is not one of kind"):
        layout.num_output_channels(np.zeros(shape))


@pytest.mark.parametrize("method", ["scale_inputs", "scale_outputs"])
def test_factor_of_another_length_is_refused(method):
    with pytest.raises(ValueError, match=r"`factor` has shape \(5,\)"):
        getattr(KernelLayout("dense"), method)(np.ones((2, 3)), np.ones(5))


def test_shift_of_another_length_is_refused():
    with pytest.raises(ValueError, match=r"`shift` has shape \(5,\)"):
        KernelLayout("dense").response_to(np.ones((2, 3)), np.ones(5))


def test_response_of_a_transposed_convolution_is_refused():
    with pytest.raises(ValueError, match="differs between positions"):
        KernelLayout("transposed").response_to(np.ones((3, 2, 2)), np.ones(2))
