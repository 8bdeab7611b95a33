"""How often a neuron fires in T steps, without running them.

Of a neuron with soft reset whose decisions do not depend on when its input
arrives, only the number of spikes matters, and that has a closed form. All
values are in thresholds; counts are exact up to 2^24 in float32.
"""

import tensorflow as tf


def count_two_phase(
    potential: tf.Tensor, current: tf.Tensor, timesteps: int
) -> tf.Tensor:
    """Spikes of a neuron that first integrates T steps, then fires (lag = T).

        count = clip(floor(v0 + T x), 0, T)                     (Eq. 9-10)

    Args:
        potential: v0, `[B, ...]` or a shape that broadcasts to it.
        current: Mean x over the T steps of input, `[B, ...]`.
        timesteps: T, at least 1.

    Returns:
        Whole numbers in 0...T, `[B, ...]` in the dtype of `current`.

    References:
        Li et al., A Free Lunch From ANN, ICML 2021, Eq. 9-10, 15.
    """
    return tf.clip_by_value(
        tf.floor(potential + timesteps * current), 0.0, timesteps
    )


def count_constant(
    potential: tf.Tensor, current: tf.Tensor, timesteps: int
) -> tf.Tensor:
    """Spikes of a neuron that decides at every step on a constant current.

        x >= 0:  min(floor(v0 + T x), T - silent), clipped to 0...T
                 silent = ceil((1 - v0) / max(x, 1)) - 1
        x < 0:   clip(floor(v0 / (1 - x)), 0, T)

    Below zero it can fire at the first steps only, as long as the potential
    lasts: at step k if `v0 + k x - (k - 1) >= 1`. Above one it fires at every
    step once it has begun, and what is left at the end is lost: from a
    potential below zero it is silent while `v0 + k x < 1`.

    Args:
        potential: v0, `[B, ...]` or a shape that broadcasts to it.
        current: x, the same at every step, `[B, ...]`.
        timesteps: T, at least 1.

    Returns:
        Whole numbers in 0...T, `[B, ...]` in the dtype of `current`.
    """
    even = tf.floor(potential + timesteps * current)
    silent = tf.math.ceil((1.0 - potential) / tf.maximum(current, 1.0)) - 1.0
    rising = tf.minimum(even, timesteps - silent)
    falling = tf.floor(potential / (1.0 - tf.minimum(current, 0.0)))
    count = tf.where(current < 0.0, falling, rising)
    return tf.clip_by_value(count, 0.0, timesteps)
