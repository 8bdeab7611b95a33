"""Thresholds moved into the weights, so that spikes are 0 or 1."""

import numpy as np
import numpy.typing as npt

from tfsnn.numerics.checks import check_threshold
from tfsnn.numerics.folding import fold_into_producer
from tfsnn.numerics.kernel_layout import KernelLayout


def rescale_kernel(
    kernel: np.ndarray, input_threshold: npt.ArrayLike, *, layout: KernelLayout
) -> np.ndarray:
    """Kernel for inputs of 0 or 1 in place of 0 or the threshold.

        W' = W * theta_in (by input channel)

    Args:
        kernel: Kernel W, shape as `layout` says.
        input_threshold: Threshold theta_in above 0 of the neurons in front,
            scalar or `[Cin]`, activation units.
        layout: Where the kernel keeps its channels.

    Returns:
        Kernel W' in the shape and dtype of W, computed in float64.

    Raises:
        ValueError: If a threshold is not finite and above 0, or shapes do
            not fit.

    References:
        Li et al., A Free Lunch From ANN, 2021, arXiv:2106.06984, Eq. 5
        (numerator).
    """
    check_threshold("input_threshold", input_threshold)
    return layout.scale_inputs(kernel, np.asarray(input_threshold))


def rescale_output(
    kernel: np.ndarray,
    bias: np.ndarray | None,
    output_threshold: npt.ArrayLike,
    *,
    layout: KernelLayout,
) -> tuple[np.ndarray, np.ndarray | None]:
    """Kernel and bias for neurons behind them with a threshold of 1.

        W' = W / theta_out,   b' = b / theta_out (by output channel)

    The initial potential of these neurons must be divided likewise.

    Args:
        kernel: Kernel W, shape as `layout` says.
        bias: Bias b, `[Cout]`, or None.
        output_threshold: Threshold theta_out above 0 of the neurons behind,
            scalar or `[Cout]`, activation units.
        layout: Where the kernel keeps its channels.

    Returns:
        Kernel W' in the shape of W and bias b' `[Cout]` (None if `bias` is),
        computed in float64, both in the dtype of `kernel`.

    Raises:
        ValueError: If a threshold is not finite and above 0, or shapes do
            not fit.

    References:
        Li et al., A Free Lunch From ANN, 2021, arXiv:2106.06984, Eq. 5
        (denominator).
    """
    check_threshold("output_threshold", output_threshold)
    factor = 1.0 / np.asarray(output_threshold, np.float64)
    kernel, scaled = fold_into_producer(
        kernel, bias, factor, 0.0, layout=layout
    )
    return kernel, None if bias is None else scaled
