"""Which functional `keras.ops` calls a spiking network may contain.

With time folded into the batch, an operation must be affine and must leave the
first axis alone.
"""

import keras

from tfsnn.graph.view import Call


def operation_refusal(call: Call) -> tuple[str | None, str]:
    """Role of a `keras.ops` call, or why it has none.

    Args:
        call: A call whose operation is not a layer.

    Returns:
        `("affine" | "neuron", "")`, or `(None, reason)`.
    """
    rule = _RULES.get(call.kind)
    if rule is None:
        return None, f"no rule for the operation keras.ops '{call.kind}'"
    return rule(call)


def _affine(call):
    return "affine", ""


def _relu(call):
    return "neuron", ""


def _one_tensor(call):
    if len(call.input_tensors) > 1:
        return None, f"'{call.kind}' of two tensors is not affine"
    return "affine", ""


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
        return "affine", ""

    return rule


def _pad(call):
    width = getattr(call.operation, "pad_width", None)
    if width is None or tuple(width[0]) != (0, 0):
        return None, "padding of the batch axis"
    return "affine", ""


def _slice(call):
    key = call.args[1] if len(call.args) > 1 else call.kwargs.get("key")
    key = key if isinstance(key, tuple) else (key,)
    if key[0] is Ellipsis or key[0] == slice(None):
        return "affine", ""
    return None, "slicing of the batch axis"


def _transpose(call):
    axes = getattr(call.operation, "axes", None)
    if axes is None or axes[0] != 0:
        return None, "transposition that moves the batch axis"
    return "affine", ""


def _reshape(call):
    shape = getattr(call.operation, "newshape", None)
    if shape is None or shape[0] not in (-1, None):
        return None, "reshaping with a fixed batch size"
    return "affine", ""


_RULES = {
    "Add": _affine,
    "Subtract": _affine,
    "Negative": _affine,
    "Multiply": _one_tensor,
    "Divide": _divide,
    "TrueDivide": _divide,
    "Relu": _relu,
    "Relu6": _relu,
    "Pad": _pad,
    "GetItem": _slice,
    "Transpose": _transpose,
    "Reshape": _reshape,
    "Concatenate": _keeps_batch(-1, "axis"),
    "Mean": _keeps_batch(None, "axis"),
    "Sum": _keeps_batch(None, "axis"),
}
