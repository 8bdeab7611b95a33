"""Max pooling of what arrives over time: the pool of the sum so far."""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from .time import fold, unfold

Pool = Callable[[tf.Tensor], tf.Tensor]


class PoolState(NamedTuple):
    """What a spiking pool carries from one step to the next.

    Attributes:
        total: Sum of its input so far, `[B, ...]`.
        pooled: The pool of that, `[B, ...]`; it is the sum of its output.
    """

    total: tf.Tensor
    pooled: tf.Tensor


def pool_step(
    inputs: tf.Tensor, state: PoolState, pool: Pool
) -> tuple[tf.Tensor, PoolState]:
    """One step of a spiking pool.

        X[t] = X[t-1] + x[t],    M[t] = pool(X[t]),    y[t] = M[t] - M[t-1]

    The outputs of t steps add up to the pool of the inputs of t steps, at
    every t and in every order of the inputs. Of spikes of {0, 1} the outputs
    are 0 and 1, too: no total grows by more than one in a step.

    Args:
        inputs: x[t], `[B, ...]`.
        state: State before the step; zeros at first.
        pool: Max pooling over space.

    Returns:
        y[t], and the state after the step.

    References:
        Rueckauer et al., Conversion of Continuous-Valued Deep Networks to
        Efficient Event-Driven Networks for Image Classification, Frontiers in
        Neuroscience 11:682, 2017, section 2.2.6 (Spiking Max-Pooling Layers),
        lets the spikes of the neuron with the highest estimated rate pass.
        What the largest total grew by is LIPooling of Li and Zeng, Efficient
        and accurate conversion of spiking neural network with burst spikes,
        IJCAI 2022, arXiv:2204.13271, whose code takes each output off all
        totals: out(t) = max(X[t]) - (out(1) + ... + out(t-1)).
    """
    total = state.total + inputs
    pooled = pool(total)
    return pooled - state.pooled, PoolState(total, pooled)


def pool_train(folded: tf.Tensor, pool: Pool, timesteps: int) -> tf.Tensor:
    """All steps of a spiking pool at once, see `pool_step`.

    Args:
        folded: x, `[T*B, ...]`, time first.
        pool: Max pooling over space.
        timesteps: T.

    Returns:
        y, `[T*B, ...]`, time first.
    """
    totals = tf.cumsum(unfold(folded, timesteps), axis=0)
    pooled = unfold(pool(fold(totals)), timesteps)
    before = tf.concat([tf.zeros_like(pooled[:1]), pooled[:-1]], axis=0)
    return fold(pooled - before)
