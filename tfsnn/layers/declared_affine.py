"""A layer of the user's that is affine because the user says so."""

import keras


@keras.saving.register_keras_serializable(package="tfsnn")
class DeclaredAffine(keras.layers.Wrapper):
    """Computes what the layer inside computes, at every step.

    Marks a layer for which there is no rule, such as a `Lambda`, as an affine
    function that treats every sample alone.

    Args:
        layer: The layer.
        **kwargs: Other arguments as in `keras.layers.Wrapper`.

    Input shape:
        That of the layer; with time folded into the batch in a spiking model.

    Output shape:
        That of the layer.
    """

    def call(self, inputs, **kwargs):
        """Passes everything on."""
        return self.layer(inputs, **kwargs)

    def compute_output_shape(self, input_shape):
        """That of the layer."""
        return self.layer.compute_output_shape(input_shape)
