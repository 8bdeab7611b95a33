"""Mean output of a neuron in closed form, with gradients to train through."""

import tensorflow as tf

from tfsnn.numerics.quantiser import Quantiser

from .surrogate import straight_through_floor


def quantised(
    current: tf.Tensor,
    threshold: tf.Tensor,
    initial_potential: tf.Tensor,
    timesteps: int,
    *,
    quantiser: Quantiser | None = None,
) -> tf.Tensor:
    """Mean output over time under a current that arrives evenly.

        q = theta / L * clip(floor(L / T * (T * x + v0) / theta), 0, n)

    n levels, L to a threshold; both are T for a plain neuron. The floor is
    straight-through. With `inside` where the floor is in 0...n:

        dq/dx = inside;    dq/dv0 = inside / T
        dq/dtheta = (q - inside * x) / theta    for v0 proportional to theta

    Args:
        current: Mean input x per step, `[B, ..., C]`, activation units.
        threshold: theta above 0, dtype of `current`; `[]`, `[C]` or that of a
            feature map.
        initial_potential: v0, as `threshold`; 0 makes the neuron floor, half
            the threshold makes it round.
        timesteps: T, at least 1.
        quantiser: Levels of the kind of neuron; None: of a plain one.

    Returns:
        Values in 0...n theta / L, shape and dtype of `current`.

    References:
        Li et al., A Free Lunch From ANN, ICML 2021, Eq. 9-10, 15 (response),
        Eq. 18 (gradient); Esser et al., Learned step size quantization, ICLR
        2020, arXiv:1902.08153 (gradient of the threshold).
    """
    quantiser = quantiser or Quantiser.of(timesteps)
    levels = quantiser.levels_per_threshold
    start = initial_potential / threshold * (levels / timesteps)
    charge = start + levels * (current / threshold)
    count = tf.clip_by_value(
        straight_through_floor(charge), 0.0, quantiser.num_levels
    )
    return threshold / levels * count


def drop_quantiser(
    quantised: tf.Tensor,
    current: tf.Tensor,
    largest: tf.Tensor,
    *,
    probability: float,
    seed: tf.Tensor,
) -> tf.Tensor:
    """Replaces values at random by those of a neuron that does not quantise.

        q <- clip(x, 0, largest)    with the probability, each value by itself

    Args:
        quantised: What `quantised` gave, `[B, ..., C]`.
        current: Its `current`.
        largest: The most that the neuron can send, its threshold if it is a
            plain one; shape and dtype as that.
        probability: Of replacing a value, 0...1.
        seed: `[2]`, whole numbers; the same seed replaces the same values.

    Returns:
        `[B, ..., C]`.

    References:
        Wei et al., QDrop: Randomly dropping quantization for extremely low-bit
        post-training quantization, ICLR 2022, arXiv:2203.05740.
    """
    analog = tf.minimum(tf.maximum(current, 0.0), largest)
    draws = tf.random.stateless_uniform(tf.shape(current), seed)
    return tf.where(draws < probability, analog, quantised)
