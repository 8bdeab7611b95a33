"""Runs one neuron layer on given currents with given parameters."""

import functools

import tensorflow as tf

from tfsnn.dynamics.integrate_and_fire import RESETS, Fire
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
        return self._call(_mean_output, current)

    def packed_train(self, current: tf.Tensor) -> tf.Tensor:
        """Spikes, one bit each, see `spike_store.pack`."""
        return self._call(_packed_train, current)

    def _call(self, function, current):
        parameters = (self.threshold, self._potential, self._bias)
        specs = [
            tf.TensorSpec([None, *current.shape[1:]], current.dtype),
            *(
                tf.TensorSpec(values.shape, values.dtype)
                for values in parameters
            ),
        ]
        graph = _graph(function, self._clock, *specs)
        return graph(current, *parameters)


@functools.cache
def _graph(function, clock, *specs):
    """One graph for each clock and feature map; none is traced twice."""
    run = tf.function(
        functools.partial(function, clock),
        input_signature=specs,
        autograph=False,
    )
    return run.get_concrete_function()


def _mean_output(clock, current, *parameters):
    # Only the count is wanted: nothing of size T is stacked.
    _, (_, count) = _run(
        clock, current, *parameters, lambda spikes: tf.zeros([], tf.uint8)
    )
    threshold = parameters[0]
    return tf.cast(count, threshold.dtype) * (threshold / clock[0])


def _packed_train(clock, current, *parameters):
    train, _ = _run(
        clock, current, *parameters, lambda spikes: tf.cast(spikes, tf.uint8)
    )
    return pack(train)


def _run(clock, current, threshold, potential, bias, emit):
    """Emitted train and `(potential, count)` after the last step."""
    timesteps, lag, reset, constant = clock
    # As in `IFCell`: potentials are kept in at least float32.
    dtype = tf.float64 if current.dtype == tf.float64 else tf.float32
    threshold, potential, bias = (
        tf.cast(values, dtype) for values in (threshold, potential, bias)
    )
    if constant:
        scaled = (tf.cast(current, dtype) + bias) / threshold
        shape = tf.shape(current)
    else:
        sequence = unfold(current, timesteps)
        shape = tf.shape(sequence)[1:]

    def current_at(step):
        if constant:
            return scaled
        return (tf.cast(sequence[step], dtype) + bias) / threshold

    start = tf.broadcast_to(potential / threshold, shape)
    return scan(
        current_at,
        (start, tf.zeros_like(start)),
        _counting(RESETS[reset]),
        timesteps=timesteps,
        lag=lag,
        emit=emit,
    )


def _counting(fire: Fire) -> Fire:
    """The same neuron with its number of spikes as the last of its state."""

    def counted(state):
        *inner, count = state
        spikes, inner = fire(tuple(inner))
        return spikes, (*inner, count + spikes)

    return counted
