"""The end of time: the mean of the output over the steps."""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from tfsnn.dynamics.time import unfold

from .timesteps import checked_timesteps


@keras.saving.register_keras_serializable(package="tfsnn")
class TimeAverage(keras.layers.Layer):
    """Reads a network out: folded `[T*B, ...]` to its time mean `[B, ...]`.

        out = 1/T * sum_t x(t)                                     (Eq. 6)

    The last layer of a converted network only integrates, so this mean is its
    output (Li et al., ICML 2021, section 3). Steps that say more about it, as
    late ones in the pipelined clock, may be given a larger weight:

        out = 1/T * sum_t w_t x(t)

    Args:
        timesteps: T, at least 1.
        weights: w, T finite numbers; None: 1 each. 0 in the first d steps and
            T / (T - d) in the others delays the read-out by d steps.
        **kwargs: Other arguments as in `keras.layers.Layer`.

    Raises:
        ValueError: If T or the weights are out of range.
    """

    def __init__(
        self,
        timesteps: int,
        *,
        weights: Sequence[float] | None = None,
        **kwargs,
    ):
        """See the class."""
        super().__init__(autocast=False, **kwargs)
        self.timesteps = checked_timesteps(timesteps)
        self.step_weights = _checked_weights(weights, self.timesteps)

    def call(self, inputs):
        """`[T*B, ...]` to `[B, ...]`; the sum runs in the variable dtype."""
        sequence = unfold(tf.cast(inputs, self.variable_dtype), self.timesteps)
        return tf.reduce_mean(self.weighted(sequence), axis=0)

    def weighted(self, sequence: tf.Tensor) -> tf.Tensor:
        """Every step times its weight.

        Args:
            sequence: `[T, B, ...]` in the variable dtype.

        Returns:
            `[T, B, ...]`, whose mean over T is the output.
        """
        if self.step_weights is None:
            return sequence
        shape = [self.timesteps] + [1] * (len(sequence.shape) - 1)
        weights = tf.constant(self.step_weights, sequence.dtype)
        return sequence * tf.reshape(weights, shape)

    def weighted_step(self, value: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
        """One step times its weight.

        Args:
            value: `[B, ...]` in the variable dtype.
            step: Its number, from 0, `[]`; beyond T it has the last weight.

        Returns:
            `[B, ...]`.
        """
        if self.step_weights is None:
            return value
        weights = tf.constant(self.step_weights, value.dtype)
        return value * weights[tf.clip_by_value(step, 0, self.timesteps - 1)]

    def compute_output_shape(self, input_shape):
        """The batch axis shrinks by T."""
        batch, *features = input_shape
        return (None if batch is None else batch // self.timesteps, *features)

    def compute_output_spec(self, inputs):
        """Logits stay in the variable dtype under a mixed policy."""
        return keras.KerasTensor(
            self.compute_output_shape(inputs.shape), dtype=self.variable_dtype
        )

    def get_config(self):
        """The constructor's arguments."""
        weights = self.step_weights and list(self.step_weights)
        config = super().get_config()
        return {**config, "timesteps": self.timesteps, "weights": weights}


def _checked_weights(weights, timesteps):
    if weights is None:
        return None
    values = np.asarray(weights, "float64")
    if values.shape != (timesteps,) or not np.isfinite(values).all():
        raise ValueError(
            f"weights={weights} with timesteps={timesteps}. Supported:"
            f" {timesteps} finite numbers, one for each step, or None for a"
            " plain mean. Pass one of them."
        )
    return tuple(values.tolist())
