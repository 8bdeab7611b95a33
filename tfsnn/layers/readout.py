"""The end of time: the mean of the output over the steps."""

import keras
import tensorflow as tf

from tfsnn.dynamics.time import unfold

from .timesteps import checked_timesteps


@keras.saving.register_keras_serializable(package="tfsnn")
class TimeAverage(keras.layers.Layer):
    """Reads a network out: folded `[T*B, ...]` to its time mean `[B, ...]`.

        out = 1/T * sum_t x(t)                                     (Eq. 6)

    The last layer of a converted network only integrates, so this mean is its
    output (Li et al., ICML 2021, section 3).

    Args:
        timesteps: T, at least 1.
        **kwargs: Other arguments as in `keras.layers.Layer`.

    Raises:
        ValueError: If T is out of range.
    """

    def __init__(self, timesteps: int, **kwargs):
        """See the class."""
        super().__init__(autocast=False, **kwargs)
        self.timesteps = checked_timesteps(timesteps)

    def call(self, inputs):
        """`[T*B, ...]` to `[B, ...]`; the sum runs in the variable dtype."""
        sequence = unfold(tf.cast(inputs, self.variable_dtype), self.timesteps)
        return tf.reduce_mean(sequence, axis=0)

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
        return {**super().get_config(), "timesteps": self.timesteps}
