"""Gradients through the floor of the spike count."""

import tensorflow as tf


@tf.custom_gradient
def straight_through_floor(x: tf.Tensor):
    """Floor whose gradient is that of the identity (Eq. 18).

        forward floor(x);    backward d floor(x) / dx = 1

    Args:
        x: Any shape, floating point.

    Returns:
        `floor(x)`, same shape and dtype.

    References:
        Li et al., A Free Lunch From ANN, ICML 2021, Eq. 18; Bengio et al.,
        Estimating or propagating gradients through stochastic neurons, 2013.
    """
    return tf.floor(x), lambda upstream: upstream
