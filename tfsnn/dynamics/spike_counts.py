"""How often a neuron fires in T steps, without running them.

Of a neuron with soft reset whose decisions do not depend on when its input
arrives, only the number of spikes matters, and that has a closed form. All
values are in thresholds; counts are exact up to 2^24 in float32.

A neuron may fire n times in one step (`max_spikes`); of plain neurons n is 1.
"""

import tensorflow as tf


def count_two_phase(
    potential: tf.Tensor,
    current: tf.Tensor,
    timesteps: int,
    *,
    max_spikes: int = 1,
) -> tf.Tensor:
    """Spikes of a neuron that first integrates T steps, then fires (lag = T).

        count = clip(floor(v0 + T x), 0, n T)                   (Eq. 9-10)

    Args:
        potential: v0, `[B, ...]` or a shape that broadcasts to it.
        current: Mean x over the T steps of input, `[B, ...]`.
        timesteps: T, at least 1.
        max_spikes: Most spikes in one step n.

    Returns:
        Whole numbers in 0...n T, `[B, ...]` in the dtype of `current`.

    References:
        Li et al., A Free Lunch From ANN, ICML 2021, Eq. 9-10, 15.
    """
    return tf.clip_by_value(
        tf.floor(potential + timesteps * current), 0.0, max_spikes * timesteps
    )


def count_constant(
    potential: tf.Tensor,
    current: tf.Tensor,
    timesteps: int,
    *,
    max_spikes: int = 1,
) -> tf.Tensor:
    """Spikes of a neuron that decides at every step on a constant current.

        x >= 0:  min(F(T), n (T - silent), n (T - silent - 1) + F(silent + 1))
                 silent = ceil((1 - v0) / max(x, n)) - 1
        x < 0:   max(n m, F(m + 1)),  m = floor(v0 / (n - x))
        with     F(t) = floor(v0 + t x)

    clipped to 0...n T. Below zero it can fire at the first steps only, as long
    as the potential lasts: n times at step k if `v0 + k x >= n k`, and then
    what is left. Above n it fires n times at every step once it has begun, and
    what is left at the end is lost: from a potential below zero it is silent
    while `v0 + k x < 1`, and its first burst may be a smaller one.

    Args:
        potential: v0, `[B, ...]` or a shape that broadcasts to it.
        current: x, the same at every step, `[B, ...]`.
        timesteps: T, at least 1.
        max_spikes: Most spikes in one step n.

    Returns:
        Whole numbers in 0...n T, `[B, ...]` in the dtype of `current`.
    """
    count = tf.where(
        current < 0.0,
        _count_falling(potential, tf.minimum(current, 0.0), max_spikes),
        _count_rising(potential, current, timesteps, max_spikes),
    )
    return tf.clip_by_value(count, 0.0, max_spikes * timesteps)


def _count_rising(potential, current, timesteps, max_spikes):
    even = tf.floor(potential + timesteps * current)
    fast = tf.maximum(current, max_spikes)
    silent = tf.math.ceil((1.0 - potential) / fast) - 1.0
    count = tf.minimum(even, max_spikes * (timesteps - silent))
    if max_spikes == 1:
        return count
    first = tf.floor(potential + (silent + 1.0) * fast)
    return tf.minimum(count, first + max_spikes * (timesteps - silent - 1.0))


def _count_falling(potential, current, max_spikes):
    full = tf.floor(potential / (max_spikes - current))
    if max_spikes == 1:
        return full
    rest = tf.floor(potential + (full + 1.0) * current)
    return tf.maximum(max_spikes * full, rest)


def count_signed_constant(
    potential: tf.Tensor, current: tf.Tensor, timesteps: int
) -> tf.Tensor:
    """Sum of the spikes of a signed neuron on a constant current.

        x >= 0:  as `count_constant`, no spike is taken back
        x < 0:   max(F(T), F(m + 1) + m + 1 - T, 2 m - T), clipped to 0...m
                 m = clip(floor(v0 / (1 - x)), 0, T)
        with     F(t) = floor(v0 + t x)

    Below zero it fires at the first m steps; then it takes spikes back, at
    most one a step.

    Args:
        potential: v0, `[B, ...]` or a shape that broadcasts to it.
        current: x, the same at every step, `[B, ...]`.
        timesteps: T, at least 1.

    Returns:
        Whole numbers in 0...T, `[B, ...]` in the dtype of `current`.
    """
    behind = tf.minimum(current, 0.0)
    fired = tf.clip_by_value(
        tf.floor(potential / (1.0 - behind)), 0.0, timesteps
    )
    last = tf.floor(potential + timesteps * behind)
    first = tf.floor(potential + (fired + 1.0) * behind)
    left = tf.maximum(last, first + fired + 1.0 - timesteps)
    left = tf.maximum(left, 2.0 * fired - timesteps)
    left = tf.minimum(tf.maximum(left, 0.0), fired)
    rising = count_constant(potential, current, timesteps)
    return tf.where(current < 0.0, left, rising)
