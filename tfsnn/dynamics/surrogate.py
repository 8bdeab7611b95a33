"""Gradients through the floor of the spike count, and through spikes.

TensorFlow registers a custom gradient anew wherever it is traced, for as long
as the process lives, and with it the graph that it is traced in and all data
which that has captured. So each one is traced once for a dtype and a number of
axes, in a graph of its own, which others call.
"""

import functools
from collections.abc import Callable

import tensorflow as tf


def straight_through_floor(x: tf.Tensor) -> tf.Tensor:
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
    return _called(_floor, x)


def train_by_recency(
    train: tf.Tensor,
    elapsed: tf.Tensor,
    charged: tf.Tensor,
    alpha: float,
    beta: float,
) -> tf.Tensor:
    """A train whose gradient decays with the time since the last spike.

        forward  s(t);    backward  ds(t) / dq(t) = alpha exp(-beta dt(t))

    q is all current that had come when step t was decided. The reset has no
    gradient, so that of the potential is the same, and back-propagation
    through time is that of a sum: no loop, and nothing but dt is kept for it.

    As in the authors' code, v and its gradient are in thresholds; a neuron
    that is exactly at its threshold fires here, and not there.

    Args:
        train: s, `[T, B, ...]`, 0 or 1.
        elapsed: dt, steps since the neuron's last spike before t, `[T, B,
            ...]`; large if it had not fired.
        charged: q in thresholds, `[T, B, ...]`; its value does not matter.
        alpha: Size of the gradient just after a spike.
        beta: Its decay, per step.

    Returns:
        `train`.

    References:
        Rathi, Srinivasan, Panda, Roy, Enabling Deep Spiking Neural Networks
        with Hybrid Conversion and Spike Timing Dependent Backpropagation, ICLR
        2020, arXiv:2005.01807 (surrogate gradient of STDB).
    """
    constants = tf.stop_gradient(train), tf.stop_gradient(elapsed), alpha, beta
    return _called(_train, charged, *constants)


def _floor(x):
    return tf.floor(x), lambda upstream: upstream


def _train(charged, train, elapsed, alpha, beta):
    del charged  # Only its gradient is asked for.

    def gradient(upstream):
        slope = alpha * tf.exp(-beta * elapsed)
        return upstream * slope, None, None, None, None

    return tf.identity(train), gradient


def _called(function: Callable, x, *others) -> tf.Tensor:
    """Values in the shape of x, of a function with a custom gradient."""
    x = tf.convert_to_tensor(x)
    tensors = [x, *(tf.convert_to_tensor(other, x.dtype) for other in others)]
    specs = tuple(
        tf.TensorSpec(_any_size(tensor.shape), tensor.dtype)
        for tensor in tensors
    )
    result = _traced(function, specs)(*tensors)
    result.set_shape(x.shape)
    return result


def _any_size(shape: tf.TensorShape) -> list[None] | None:
    return None if shape.rank is None else [None] * shape.rank


@functools.cache
def _traced(function: Callable, specs: tuple[tf.TensorSpec, ...]) -> Callable:
    with tf.init_scope():  # Not inside of the graph that is being traced.
        return tf.function(
            tf.custom_gradient(function),
            input_signature=specs,
            autograph=False,
        ).get_concrete_function()
