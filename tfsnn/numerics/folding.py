"""Batch normalisation folded into the kernel and bias beside it."""

import numpy as np
import numpy.typing as npt

from tfsnn.numerics.checks import check_shape
from tfsnn.numerics.kernel_layout import KernelLayout


def batch_norm_affine(
    gamma: npt.ArrayLike | None,
    beta: npt.ArrayLike | None,
    mean: npt.ArrayLike,
    variance: npt.ArrayLike,
    epsilon: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Batch normalisation at inference, as y = scale * x + shift.

        scale = gamma / sqrt(variance + epsilon)
        shift = beta - mean * scale

    Args:
        gamma: Learned factor, `[C]`; None (`scale=False`) counts as 1.
        beta: Learned offset, `[C]`; None (`center=False`) counts as 0.
        mean: Moving mean, `[C]`, activation units.
        variance: Moving variance, `[C]`, squared activation units.
        epsilon: The layer's constant; `variance + epsilon` must be above 0.

    Returns:
        Scale and shift, each `[C]`, float64.

    Raises:
        ValueError: If shapes differ or a deviation is not above 0.

    References:
        Li et al., A Free Lunch From ANN, 2021, arXiv:2106.06984, Eq. 19.
    """
    mean = np.asarray(mean, np.float64)
    variance = np.asarray(variance, np.float64)
    gamma = np.asarray(1.0 if gamma is None else gamma, np.float64)
    beta = np.asarray(0.0 if beta is None else beta, np.float64)
    check_shape("mean", mean.shape, (mean.size,))
    check_shape("variance", variance.shape, mean.shape)
    check_shape("gamma", gamma.shape, (), mean.shape)
    check_shape("beta", beta.shape, (), mean.shape)
    if not (variance + epsilon > 0).all():
        raise ValueError(
            f"Variance + epsilon is {(variance + epsilon).min()} in a batch "
            "normalisation. It must be above 0 in every channel. Check the "
            "moving variance for NaN or negative values."
        )
    scale = gamma / np.sqrt(variance + epsilon)
    return scale, beta - mean * scale


def fold_into_producer(
    kernel: np.ndarray,
    bias: np.ndarray | None,
    scale: npt.ArrayLike,
    shift: npt.ArrayLike,
    *,
    layout: KernelLayout,
) -> tuple[np.ndarray, np.ndarray]:
    """Folds y = scale * x + shift into the linear layer that makes x.

        W' = W * scale,   b' = b * scale + shift

    Exact for every kind and padding. For a separable convolution pass its
    pointwise kernel.

    Args:
        kernel: Kernel W, shape as `layout` says.
        bias: Bias b, `[Cout]`, or None.
        scale: Factor, `[Cout]` or scalar.
        shift: Offset, `[Cout]` or scalar, activation units.
        layout: Where the kernel keeps its channels.

    Returns:
        Kernel W' in the shape of W and bias b' `[Cout]`, computed in float64,
        both in the dtype of `kernel`.

    Raises:
        ValueError: If shapes do not fit.

    References:
        Li et al., A Free Lunch From ANN, 2021, arXiv:2106.06984, Eq. 19, with
        `batch_norm_affine`.
    """
    channels = (layout.num_output_channels(kernel),)
    scale = np.asarray(scale, np.float64)
    shift = np.asarray(shift, np.float64)
    check_shape("scale", scale.shape, (), channels)
    check_shape("shift", shift.shape, (), channels)
    folded = _bias_or_zeros(bias, channels) * scale + shift
    return (
        layout.scale_outputs(kernel, scale),
        folded.astype(np.asarray(kernel).dtype),
    )


def fold_into_consumer(
    kernel: np.ndarray,
    bias: np.ndarray | None,
    scale: npt.ArrayLike,
    shift: npt.ArrayLike,
    *,
    layout: KernelLayout,
) -> tuple[np.ndarray, np.ndarray]:
    """Folds y = scale * x + shift into the linear layer that reads y.

        W' = W * scale (by input channel),   b' = b + sum_ki W_kio * shift_i

    Exact where every output sees every tap of the kernel: dense layers and
    convolutions *without padding*. With zero padding, or "transposed", pass
    a shift of 0 and keep it in front of the layer. For a separable
    convolution, fold into its depthwise kernel without bias, then the bias
    obtained, as the shift with a scale of 1, into its pointwise kernel.

    Args:
        kernel: Kernel W, shape as `layout` says.
        bias: Bias b, `[Cout]`, or None.
        scale: Factor, `[Cin]` or scalar.
        shift: Offset, `[Cin]` or scalar, activation units.
        layout: Where the kernel keeps its channels.

    Returns:
        Kernel W' in the shape of W and bias b' `[Cout]`, computed in float64,
        both in the dtype of `kernel`.

    Raises:
        ValueError: If shapes do not fit, or for a shift other than 0 if the
            kind is "transposed".

    References:
        Li et al., A Free Lunch From ANN, 2021, arXiv:2106.06984, Eq. 19, with
        `batch_norm_affine`, from the other side.
    """
    folded = _bias_or_zeros(bias, (layout.num_output_channels(kernel),))
    if np.any(shift):
        folded = folded + layout.response_to(kernel, shift)
    return (
        layout.scale_inputs(kernel, scale),
        folded.astype(np.asarray(kernel).dtype),
    )


def _bias_or_zeros(bias: np.ndarray | None, shape: tuple) -> np.ndarray:
    bias = np.asarray(np.zeros(shape) if bias is None else bias, np.float64)
    check_shape("bias", bias.shape, shape)
    return bias
