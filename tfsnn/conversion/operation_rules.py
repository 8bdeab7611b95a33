"""Which functional `keras.ops` calls a spiking network may contain.

With time folded into the batch, an operation must be affine and must leave the
first axis alone.
"""

import math

import keras
import numpy as np

from tfsnn.graph.passes.operation_pools import is_spatial_maximum
from tfsnn.graph.passes.relu_forms import relu_arguments_of_call
from tfsnn.graph.view import Call

AFFINE = "affine"
NEURON = "neuron"
HEAD = "head"
POOL = "pool"
TRIED = (
    "Conv",
    "ConvTranspose",
    "DepthwiseConv",
    "Dot",
    "Einsum",
    "ExpandDims",
    "Flip",
    "Matmul",
    "Moveaxis",
    "Repeat",
    "Roll",
    "SeparableConv",
    "Squeeze",
    "Stack",
    "Swapaxes",
    "Take",
    "Tensordot",
    "Tile",
)
"""Operations that are affine and keep the batch axis, or not, depending on
their arguments; `check` tries them on random numbers."""


def operation_role(call: Call) -> tuple[str | None, str]:
    """Role of a `keras.ops` call, or why it has none.

    Args:
        call: A call whose operation is not a layer.

    Returns:
        `("affine" | "neuron" | "head", "")`, or `(None, reason)`.
    """
    rule = _RULES.get(call.kind)
    if rule is None:
        return None, f"no rule for the operation keras.ops '{call.kind}'"
    return rule(call)


def _affine(call):
    return AFFINE, ""


def _pool(call):
    return POOL, ""


def _maximum(call):
    if is_spatial_maximum(call):
        return POOL, ""
    return None, "a maximum over other axes than those of the image"


def _relu(call):
    arguments = relu_arguments_of_call(call)
    if arguments is None:
        return None, f"no rule for your own operation '{call.kind}'"
    if arguments.get("negative_slope") or arguments.get("threshold"):
        return None, "a ReLU with a slope or threshold has no neuron"
    return NEURON, ""


def _clip(call):
    if relu_arguments_of_call(call) is not None:
        return NEURON, ""
    return None, "only clipping from 0 up, as a ReLU does, has a neuron"


def _larger(call):
    if relu_arguments_of_call(call) is not None:
        return NEURON, ""
    return None, "only the larger one of a signal and 0, a ReLU, has a neuron"


def _last_activation(call):
    return HEAD, ""


def _elementwise(call):
    """Of operands that broadcast over other axes than the first one."""
    rank = len(call.outputs.shape)
    for leaf in keras.tree.flatten((call.args, call.kwargs)):
        shape = tuple(np.shape(leaf)) if hasattr(leaf, "shape") else ()
        if isinstance(leaf, keras.KerasTensor):
            fits = len(shape) == rank
        else:
            fits = len(shape) < rank or (len(shape) == rank and shape[0] == 1)
        if not fits:
            return None, (
                f"'{call.kind}' has an operand of shape {shape}, which does not"
                " treat all samples alike"
            )
    return AFFINE, ""


def _one_tensor(call):
    if len(call.input_tensors) > 1:
        return None, f"'{call.kind}' of two tensors is not affine"
    return _elementwise(call)


def _divide(call):
    numerator, denominator = call.args[:2]
    if isinstance(denominator, keras.KerasTensor):
        return None, "division by a tensor is not affine"
    return _one_tensor(call)


def _keeps_batch(position, keyword):
    """An operation along an axis: not the first one."""

    def rule(call):
        axis = call.kwargs.get(
            keyword, getattr(call.operation, keyword, position)
        )
        rank = len(call.input_tensors[0].shape)
        axes = axis if isinstance(axis, (tuple, list)) else (axis,)
        if any(one is None or one % rank == 0 for one in axes):
            return None, f"'{call.kind}' runs over the batch axis"
        return AFFINE, ""

    return rule


def _pad(call):
    width = getattr(call.operation, "pad_width", None)
    if width is None or tuple(width[0]) != (0, 0):
        return None, "padding of the batch axis"
    return AFFINE, ""


def _slice(call):
    key = call.args[1] if len(call.args) > 1 else call.kwargs.get("key")
    # A model reloaded from a file has a list here.
    key = tuple(key) if isinstance(key, (tuple, list)) else (key,)
    rank = len(call.input_tensors[0].shape)
    ellipsis = key[0] is Ellipsis and len(key) <= rank
    if ellipsis or (isinstance(key[0], slice) and key[0] == slice(None)):
        return AFFINE, ""
    return None, "slicing of the batch axis"


def _transpose(call):
    axes = getattr(call.operation, "axes", None)
    if axes is None or axes[0] != 0:
        return None, "transposition that moves the batch axis"
    return AFFINE, ""


def _reshape(call):
    shape = getattr(call.operation, "newshape", None)
    if shape is None or shape[0] not in (-1, None):
        return None, "reshaping with a fixed batch size"
    old, new = call.input_tensors[0].shape[1:], tuple(shape[1:])
    sizes_differ = None in old or math.prod(old) != math.prod(new)
    if shape[0] == -1 and sizes_differ:
        return None, (
            f"reshaping of samples of shape {tuple(old)} to rows of shape"
            f" {new}, which changes the batch axis"
        )
    return AFFINE, ""


_RULES = {
    **dict.fromkeys(TRIED, _affine),
    "Add": _elementwise,
    "Subtract": _elementwise,
    "Negative": _affine,
    "Multiply": _one_tensor,
    "Divide": _divide,
    "TrueDivide": _divide,
    "MaxPool": _pool,
    "Max": _maximum,
    "Amax": _maximum,
    "AveragePool": _affine,
    "DepthToSpace": _affine,
    "SpaceToDepth": _affine,
    "Relu": _relu,
    "Relu6": _relu,
    "ReLU": _relu,
    "Maximum": _larger,
    "Clip": _clip,
    "Softmax": _last_activation,
    "LogSoftmax": _last_activation,
    "Sigmoid": _last_activation,
    "Tanh": _last_activation,
    "Pad": _pad,
    "GetItem": _slice,
    "Transpose": _transpose,
    "Reshape": _reshape,
    "Concatenate": _keeps_batch(-1, "axis"),
    "Mean": _keeps_batch(None, "axis"),
    "Sum": _keeps_batch(None, "axis"),
}
