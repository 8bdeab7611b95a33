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
        Estimating or propagating gradients through stochastic neurons for
        conditional computation, 2013, arXiv:1308.3432.
    """
    return tf.floor(x), lambda upstream: upstream


@tf.custom_gradient
def spike_by_recency(
    potential: tf.Tensor, elapsed: tf.Tensor, alpha: float, beta: float
):
    """A spike whose gradient decays with the time since the last one.

        forward s = 1 if v >= 1 else 0;   backward ds / dv = alpha exp(-beta dt)

    As in the authors' code, v and its gradient are in thresholds; a neuron
    that is exactly at its threshold fires here, and not there.

    Args:
        potential: v, `[B, ...]` in thresholds.
        elapsed: dt, steps since the neuron's last spike, `[B, ...]`; large if
            it never fired.
        alpha: Size of the gradient just after a spike.
        beta: Its decay, per step.

    Returns:
        Spikes 0 or 1, shape and dtype of `potential`.

    References:
        Rathi, Srinivasan, Panda, Roy, Enabling Deep Spiking Neural Networks
        with Hybrid Conversion and Spike Timing Dependent Backpropagation, ICLR
        2020, arXiv:2005.01807 (surrogate gradient of STDB).
    """
    spikes = tf.cast(potential >= 1.0, potential.dtype)

    def gradient(upstream):
        slope = alpha * tf.exp(-beta * elapsed)
        return upstream * slope, None, None, None

    return spikes, gradient
