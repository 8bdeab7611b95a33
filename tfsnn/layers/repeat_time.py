"""The edge from the part without time to the part with time."""

import keras

from tfsnn.dynamics.time import repeat

from .timesteps import checked_timesteps


@keras.saving.register_keras_serializable(package="tfsnn")
class RepeatTime(keras.layers.Layer):
    """Repeats a constant at every step: `[B, ...]` to folded `[T*B, ...]`.

    Conversion puts one on every edge on which a value that is constant in
    time (the image, a stem's current) meets one that is not.

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
        """`[B, ...]` to `[T*B, ...]`, time first."""
        return repeat(inputs, self.timesteps)

    def compute_output_shape(self, input_shape):
        """The batch axis grows by T."""
        batch, *features = input_shape
        return (None if batch is None else batch * self.timesteps, *features)

    def compute_output_spec(self, inputs):
        """What is repeated keeps its dtype."""
        return keras.KerasTensor(
            self.compute_output_shape(inputs.shape), dtype=inputs.dtype
        )

    def get_config(self):
        """The constructor's arguments."""
        return {**super().get_config(), "timesteps": self.timesteps}
