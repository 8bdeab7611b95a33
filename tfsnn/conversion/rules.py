"""What each layer becomes in a spiking network, and why some cannot.

A rule answers for one call: its role, or the reason why there is none.
"""

import dataclasses
from collections.abc import Callable

import keras

from tfsnn.graph.custom_rules import custom_rule
from tfsnn.graph.passes.kernel_layers import acts_as
from tfsnn.graph.passes.max_pools import is_max_pool
from tfsnn.graph.passes.relu_forms import relu_arguments
from tfsnn.graph.passes.remove_inactive import (
    INACTIVE_LAYERS,
    REGULARISATION_LAYERS,
)
from tfsnn.graph.passes.scaled_addition import is_scaled_addition
from tfsnn.graph.trace import StandIn
from tfsnn.graph.view import Call
from tfsnn.layers import ChannelAffine, DeclaredAffine
from tfsnn.layers.max_pooling import MAX_POOLS

from .operation_rules import AFFINE, HEAD, NEURON, POOL, operation_role
from .remedies import reason_and_remedy

REMOVED = "removed"

KERNEL_LAYERS = (
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Conv3D,
    keras.layers.Conv1DTranspose,
    keras.layers.Conv2DTranspose,
    keras.layers.Conv3DTranspose,
    keras.layers.DepthwiseConv1D,
    keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv1D,
    keras.layers.SeparableConv2D,
    keras.layers.Dense,
    keras.layers.EinsumDense,
)

AFFINE_LAYERS = (
    *KERNEL_LAYERS,
    keras.layers.BatchNormalization,
    keras.layers.Add,
    keras.layers.Subtract,
    keras.layers.Average,
    keras.layers.AveragePooling1D,
    keras.layers.AveragePooling2D,
    keras.layers.AveragePooling3D,
    keras.layers.GlobalAveragePooling1D,
    keras.layers.GlobalAveragePooling2D,
    keras.layers.GlobalAveragePooling3D,
    keras.layers.Flatten,
    keras.layers.Reshape,
    keras.layers.Permute,
    keras.layers.RepeatVector,
    keras.layers.Cropping1D,
    keras.layers.Cropping2D,
    keras.layers.Cropping3D,
    keras.layers.ZeroPadding1D,
    keras.layers.ZeroPadding2D,
    keras.layers.ZeroPadding3D,
    keras.layers.UpSampling1D,
    keras.layers.UpSampling2D,
    keras.layers.UpSampling3D,
    keras.layers.CenterCrop,
    keras.layers.Resizing,
    keras.layers.Rescaling,
    keras.layers.Normalization,
    ChannelAffine,
    DeclaredAffine,
)

USE_RELU = (
    "Retrain with ReLU or ReLU6 in its place; no post-training conversion"
    " keeps it."
)


TWO_NEURONS = (
    "Retrain with ReLU or ReLU6 in its place; or keep it, exactly, as two"
    " neurons: tfsnn.register_rule(keras.layers.{0}, lambda layer, x:"
    " keras.ops.relu(x) - keras.ops.relu(-x) * {1})."
)
_SLOPES = {
    "LeakyReLU": "layer.negative_slope",
    "PReLU": "keras.ops.convert_to_numpy(layer.alpha)",
}


@dataclasses.dataclass(frozen=True)
class Ruling:
    """The answer of a rule.

    Attributes:
        role: `"affine"`, `"neuron"`, `"pool"` (max pooling), `"head"` (a last
            activation, applied once to the averaged output) or `"removed"`;
            None: refused.
        has_neuron: Whether a ReLU is fused into the layer.
        reason: Why it is refused.
        remedy: What the user can do about it.
    """

    role: str | None
    has_neuron: bool = False
    reason: str = ""
    remedy: str = ""


def _refused(reason: str, remedy: str) -> Ruling:
    return Ruling(None, reason=reason, remedy=remedy)


def rule_for(call: Call) -> Ruling:
    """Says what becomes of a call.

    Args:
        call: A call of a traced model.

    Returns:
        The ruling; a head is only allowed where no neuron follows, which is
        for the caller to see.
    """
    operation = call.operation
    if isinstance(operation, StandIn):
        return _cannot_be_rebuilt(operation)
    if not isinstance(operation, keras.Layer):
        return _operation(call)
    if call.forces_training and _changes_in_training(operation):
        return _refused(
            "it is called with training=True, so it answers at random or from"
            " the batch at hand",
            "Build the network for inference, without training=True.",
        )
    if is_scaled_addition(call):
        return Ruling(AFFINE)
    if acts_as(operation, keras.layers.Concatenate):
        return _concatenation(call)
    return _layer(operation)


def _layer(layer):
    if isinstance(layer, keras.Model):
        return _nested(layer)
    if custom_rule(layer) is not None:
        return Ruling(AFFINE)  # Other rules have done their work in `trace`.
    for family, rule in _RULES:
        if acts_as(layer, *family):
            return rule(layer)
    return _unknown_layer(layer)


def _operation(call):
    role, reason = operation_role(call)
    if role is None:
        return _refused(
            reason,
            "Use a Keras layer that does the same, or move it out of the"
            " network.",
        )
    if role == HEAD:
        return _last_activation(call.operation)
    return Ruling(role, has_neuron=role == NEURON)


def _cannot_be_rebuilt(stand_in):
    if stand_in.fault:
        return _refused(
            "the rule registered for its class does not work",
            stand_in.fault,
        )
    ruling = _layer(stand_in.original)
    if ruling.role is None:
        return ruling
    return _refused(
        "it cannot be rebuilt from its configuration",
        "Use named functions instead of lambdas, and"
        " keras.saving.register_keras_serializable with get_config() for your"
        " own.",
    )


def _changes_in_training(layer):
    normalisation = keras.layers.BatchNormalization
    return isinstance(layer, (normalisation, *REGULARISATION_LAYERS))


def activation_name(function: Callable) -> str:
    """The Keras name of an activation function, or its Python name."""
    if function is None:
        return "linear"
    name = keras.activations.serialize(function)
    if isinstance(name, str):
        return name
    return getattr(function, "__name__", type(function).__name__)


def _by_activation(layer: keras.Layer, linear_role: str) -> Ruling:
    if layer.activation is keras.activations.linear:
        return Ruling(linear_role)
    arguments = relu_arguments(layer.activation)
    if arguments is not None:
        role = NEURON if linear_role == REMOVED else linear_role
        return _relu(role, **arguments)
    name = activation_name(layer.activation)
    return Ruling(
        HEAD,
        reason=f"activation '{name}' has no spiking counterpart",
        remedy=USE_RELU,
    )


def _kernel_layer(layer):
    return _by_activation(layer, AFFINE)


def _activation_layer(layer):
    return _by_activation(layer, REMOVED)


def _relu(role, *, max_value=None, negative_slope=0.0, threshold=0.0):
    if negative_slope or threshold:
        return _refused(
            f"ReLU with negative_slope={float(negative_slope)} and"
            f" threshold={float(threshold)}",
            "Only ReLU with both at 0 (max_value is fine) has a neuron that"
            " answers like it. Retrain with a plain ReLU.",
        )
    return Ruling(role, has_neuron=True)


def _relu_layer(layer):
    return _relu(NEURON, **relu_arguments(layer))


def _concatenation(call):
    ranks = [len(tensor.shape) for tensor in call.output_tensors]
    if any(call.operation.axis % rank == 0 for rank in ranks):
        return _refused(
            "it concatenates along the batch axis",
            "Concatenate along another axis.",
        )
    return Ruling(AFFINE)


def _max_pooling(layer):
    return Ruling(POOL if is_max_pool(layer) else AFFINE)


def _nested(model):
    return _refused(
        "it is a model whose graph is not known or that is called with"
        " training=True",
        "Supported inside of models: Functional and Sequential ones, called"
        " for inference with tensors of their inputs' dtype and rank. Rebuild"
        " it with keras.Model(inputs, outputs).",
    )


def _last_activation(layer):
    name = type(layer).__name__
    remedy = USE_RELU
    if name in _SLOPES:
        remedy = TWO_NEURONS.format(name, _SLOPES[name])
    return Ruling(
        HEAD, reason=f"{name} has no spiking counterpart", remedy=remedy
    )


def _unknown_layer(layer):
    return _refused(*reason_and_remedy(type(layer).__name__))


_RULES = (
    (KERNEL_LAYERS, _kernel_layer),
    (AFFINE_LAYERS, lambda layer: Ruling(AFFINE)),
    (INACTIVE_LAYERS, lambda layer: Ruling(REMOVED)),
    ((keras.layers.Concatenate,), lambda layer: Ruling(AFFINE)),
    ((keras.layers.ReLU,), _relu_layer),
    ((keras.layers.Activation,), _activation_layer),
    (
        (
            keras.layers.Softmax,
            keras.layers.LeakyReLU,
            keras.layers.PReLU,
            keras.layers.ELU,
        ),
        _last_activation,
    ),
    (MAX_POOLS, _max_pooling),
)
