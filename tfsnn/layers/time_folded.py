"""Any Keras layer on data with an explicit time axis."""

import keras


@keras.saving.register_keras_serializable(package="tfsnn")
class TimeFolded(keras.layers.Wrapper):
    """Applies a layer to all steps at once: `[B, T, ...]` to `[B, T, ...]`.

    Time is folded into the batch (`[B*T, ...]`), so that a convolution runs
    once on one large batch instead of T times.

    Args:
        layer: A layer without state that maps `[B, ...]` to `[B, ...]`.
        **kwargs: Other arguments as in `keras.layers.Layer`.

    Input shape:
        `[B, T, ...]`.

    Output shape:
        `[B, T, ...]`, features as the wrapped layer makes them.

    Example:
        >>> frames = keras.Input((8, 28, 28, 1))            # T = 8 steps
        >>> current = TimeFolded(keras.layers.Conv2D(4, 3))(frames)
        >>> spikes = SpikingRNN(IFCell())(current)
    """

    def build(self, input_shape=None):
        """Builds the wrapped layer for one step."""
        if not self.layer.built:
            self.layer.build((None, *input_shape[2:]))

    def call(self, inputs):
        """Folds, applies, unfolds."""
        shape = keras.ops.shape(inputs)
        folded = keras.ops.reshape(inputs, (shape[0] * shape[1], *shape[2:]))
        outputs = self.layer(folded)
        return keras.ops.reshape(
            outputs, (*shape[:2], *keras.ops.shape(outputs)[1:])
        )

    def compute_output_shape(self, input_shape):
        """As the wrapped layer makes it, with B and T in front."""
        step = self.layer.compute_output_shape((None, *input_shape[2:]))
        return (*input_shape[:2], *step[1:])
