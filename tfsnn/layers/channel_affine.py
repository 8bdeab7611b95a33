"""A factor and an offset per channel."""

import keras


@keras.saving.register_keras_serializable(package="tfsnn")
class ChannelAffine(keras.layers.Layer):
    """`y = scale * x + offset` along the last axis, a 1x1 depthwise affine.

    Stands where a batch normalisation cannot be folded away exactly, and on
    edges that carry spikes of {0, 1} to a consumer without a kernel.

    Args:
        use_offset: Whether there is an offset.
        **kwargs: Other arguments as in `keras.layers.Layer`.

    Input shape:
        `[..., C]`.

    Output shape:
        As the input.

    Raises:
        ValueError: If the number of channels is unknown.
    """

    def __init__(self, use_offset: bool = True, **kwargs):
        """See the class."""
        super().__init__(**kwargs)
        self.use_offset = bool(use_offset)
        self.offset = None

    def build(self, input_shape):
        """Creates `scale [C]`, ones, and `offset [C]`, zeros."""
        channels = input_shape[-1]
        if channels is None:
            raise ValueError(
                f"Layer '{self.name}' (ChannelAffine) received the shape"
                f" {tuple(input_shape)}. Supported: a known last axis. Give"
                " the Input its number of channels."
            )
        self.scale = self.add_weight(
            name="scale", shape=(channels,), initializer="ones"
        )
        if self.use_offset:
            self.offset = self.add_weight(
                name="offset", shape=(channels,), initializer="zeros"
            )

    def call(self, inputs):
        """Scales and shifts."""
        # Autocast leaves whole numbers alone.
        outputs = keras.ops.cast(inputs, self.compute_dtype) * self.scale
        if self.offset is not None:
            outputs += self.offset
        return outputs

    def compute_output_shape(self, input_shape):
        """As the input."""
        return input_shape

    def get_config(self):
        """The constructor's arguments."""
        return {**super().get_config(), "use_offset": self.use_offset}
