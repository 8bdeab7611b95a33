"""Pass: layers that do nothing at inference disappear."""

import keras

from tfsnn.graph.passes.kernel_layers import acts_as
from tfsnn.graph.rewrite import rewrite, unchanged
from tfsnn.graph.view import Call, Graph, symbolic_tensors

# RandomCrop is not among them: its output has another size. Not every version
# of Keras has all of them.
AUGMENTATION_LAYERS = tuple(
    getattr(keras.layers, name)
    for name in (
        "RandomBrightness",
        "RandomColorDegeneration",
        "RandomColorJitter",
        "RandomContrast",
        "RandomElasticTransform",
        "RandomErasing",
        "RandomFlip",
        "RandomGaussianBlur",
        "RandomGrayscale",
        "RandomHue",
        "RandomInvert",
        "RandomPerspective",
        "RandomPosterization",
        "RandomRotation",
        "RandomSaturation",
        "RandomSharpness",
        "RandomShear",
        "RandomTranslation",
        "RandomZoom",
    )
    if hasattr(keras.layers, name)
)

"""Inactive at inference, whatever they were called with.

Their default is `training=True`, which Keras records as if it had been asked
for; `predict` and a model's `training=False` go before it.
"""

REGULARISATION_LAYERS = (
    keras.layers.ActivityRegularization,
    keras.layers.AlphaDropout,
    keras.layers.Dropout,
    keras.layers.GaussianDropout,
    keras.layers.GaussianNoise,
    keras.layers.Identity,
    keras.layers.SpatialDropout1D,
    keras.layers.SpatialDropout2D,
    keras.layers.SpatialDropout3D,
)
"""Inactive at inference unless called with `training=True`."""

INACTIVE_LAYERS = (*REGULARISATION_LAYERS, *AUGMENTATION_LAYERS)


def remove_inactive(graph: Graph) -> Graph:
    """Drops dropout, noise, augmentation, regularisation and identities.

    Such a layer stays if it changes the dtype, or if it was called with
    `training=True`, which asks for it at inference; augmentation does not.

    Args:
        graph: Any graph; it is not changed.

    Returns:
        A graph with the same outputs at inference; the same one if there is
        nothing to do.
    """
    if not any(map(_is_inactive, graph)):
        return graph

    def visit(rewriter, call, args, kwargs):
        if not _is_inactive(call):
            return unchanged(rewriter, call, args, kwargs)
        (tensor,) = symbolic_tensors((args, kwargs))
        return tensor

    return rewrite(graph, visit)


def _is_inactive(call: Call) -> bool:
    tensors = [*call.input_tensors, *call.output_tensors]
    if len({tensor.dtype for tensor in tensors}) > 1:
        return False
    layer = call.operation
    if call.forces_training:
        return acts_as(layer, *AUGMENTATION_LAYERS)
    if acts_as(layer, keras.layers.Activation):
        return layer.activation is keras.activations.linear
    return acts_as(layer, *INACTIVE_LAYERS)
