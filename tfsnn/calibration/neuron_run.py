"""Runs one neuron layer on given currents with given parameters."""

import functools

import tensorflow as tf

from tfsnn.dynamics.integrate_and_fire import RESETS
from tfsnn.dynamics.time import scan, unfold
from tfsnn.types import NeuronParameters

from .spike_store import pack


class NeuronRun:
    """A neuron layer outside of any model, for measuring.

    Attributes:
        threshold: Its threshold as a tensor.
    """

    def __init__(
        self,
        parameters: NeuronParameters,
        *,
        timesteps: int,
        lag: int,
        reset: str,
        constant: bool,
    ):
        """Keeps parameters and clock.

        Args:
            parameters: Of the neuron.
            timesteps: T.
            lag: Steps of charging before the first decision; 0 is used for a
                constant current.
            reset: `"soft"` or `"hard"`.
            constant: Whether currents are `[B, ...]` instead of folded time.
        """
        self.threshold = tf.convert_to_tensor(parameters.threshold)
        self._potential = tf.convert_to_tensor(parameters.initial_potential)
        bias = parameters.bias
        if bias is None:
            bias = tf.zeros_like(self.threshold)
        self._bias = tf.convert_to_tensor(bias)
        self._clock = (timesteps, 0 if constant else lag, reset, constant)

    def mean_output(self, current: tf.Tensor) -> tf.Tensor:
        """Mean of the spikes over time, activation units.

        Args:
            current: Folded `[T*B, ...]`, or `[B, ...]` if constant.

        Returns:
            `[B, ...]`.
        """
        run = _mean_output(*self._clock)
        return run(current, self.threshold, self._potential, self._bias)

    def packed_train(self, current: tf.Tensor) -> tf.Tensor:
        """Spikes, one bit each, see `spike_store.pack`."""
        run = _packed_train(*self._clock)
        return run(current, self.threshold, self._potential, self._bias)


def _spikes(current, threshold, potential, bias, clock, emit):
    timesteps, lag, reset, constant = clock
    if constant:
        scaled = (current + bias) / threshold
        shape = tf.shape(current)
    else:
        sequence = unfold(current, timesteps)
        shape = tf.shape(sequence)[1:]

    def current_at(step):
        if constant:
            return scaled
        return (sequence[step] + bias) / threshold

    state = (tf.broadcast_to(potential / threshold, shape),)
    train, _ = scan(
        current_at, state, RESETS[reset], timesteps=timesteps, lag=lag, emit=emit
    )
    return train


@functools.cache
def _mean_output(*clock):
    @tf.function(reduce_retracing=True)
    def mean_output(current, threshold, potential, bias):
        train = _spikes(current, threshold, potential, bias, clock, tf.identity)
        count = tf.reduce_sum(train, axis=0)
        return count * (threshold / tf.cast(clock[0], threshold.dtype))

    return mean_output


@functools.cache
def _packed_train(*clock):
    @tf.function(reduce_retracing=True)
    def packed_train(current, threshold, potential, bias):
        def emit(spikes):
            return tf.cast(spikes, tf.uint8)

        train = _spikes(current, threshold, potential, bias, clock, emit)
        return pack(train)

    return packed_train
