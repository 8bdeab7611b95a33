"""Scales that even out the ranges of channels between two layers."""

import numpy as np
import numpy.typing as npt

from tfsnn.numerics.checks import (
    check_not_negative,
    check_shape,
    check_threshold,
)


def equalisation_scale(
    producer_range: npt.ArrayLike,
    consumer_range: npt.ArrayLike,
    *,
    limit: float = 100.0,
) -> np.ndarray:
    """Scales after which both sides of a ReLU have the same ranges.

        s = sqrt(r1 * r2) / r2 = sqrt(r1 / r2)

    Divide the weights and bias that produce a channel by its scale and
    multiply the weights that consume it: the network computes the same, as
    relu(x / s) * s = relu(x), and r1 / s = r2 * s = sqrt(r1 * r2).

    Args:
        producer_range: Largest absolute weight, or largest activation, of
            each channel of the layer in front r1, `[C]`, at least 0.
        consumer_range: Largest absolute weight of the layer behind for each
            of its input channels r2, `[C]`, at least 0.
        limit: Largest scale, at least 1; its inverse is the smallest. Keeps
            a channel that is nearly dead within the range of float32.

    Returns:
        Scales above 0, `[C]`, float64; 1 where a range is zero, as no scale
        evens it out.

    Raises:
        ValueError: If a range is negative or not finite, shapes do not fit
            or the limit is below 1.

    References:
        Nagel et al., Data-free quantization through weight equalization and
        bias correction, ICCV 2019, arXiv:1906.04721, section 4.1.
    """
    first = np.asarray(producer_range, np.float64)
    second = np.asarray(consumer_range, np.float64)
    check_shape("producer_range", first.shape, (first.size,))
    check_shape("consumer_range", second.shape, first.shape)
    check_not_negative("producer_range", first)
    check_not_negative("consumer_range", second)
    check_threshold("limit", limit)
    if limit < 1:
        raise ValueError(
            f"`limit` is {limit!r}. Supported: numbers of at least 1. Pass, "
            "for example, 100."
        )
    usable = (first > 0) & (second > 0)
    # Roots first: neither product nor ratio of ranges can overflow.
    scale = np.sqrt(np.where(usable, first, 1.0)) / np.sqrt(
        np.where(usable, second, 1.0)
    )
    return np.clip(scale, 1 / limit, limit)
