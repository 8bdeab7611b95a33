"""The forms in which Keras writes a ReLU."""

from typing import Any

import keras
import numpy as np

from tfsnn.graph.passes.kernel_layers import acts_as
from tfsnn.graph.view import Call

_FUNCTIONS = (
    (keras.activations.relu, {}),
    (keras.activations.relu6, {"max_value": 6.0}),
)
# Operations behind keras.ops.relu, keras.ops.relu6 and keras.activations.relu
# on symbolic tensors. Keras does not export their classes.
_OPERATIONS = {"Relu": {}, "Relu6": {"max_value": 6.0}, "ReLU": None}


def relu_arguments(form: Any) -> dict[str, Any] | None:
    """Arguments of the `keras.layers.ReLU` that computes the same.

    Args:
        form: An activation function, a layer or an operation.

    Returns:
        Keyword arguments, or None if it is not a ReLU of any kind.
    """
    for function, arguments in _FUNCTIONS:
        if form is function:
            return dict(arguments)
    if acts_as(form, keras.layers.Activation):
        return relu_arguments(form.activation)
    if acts_as(form, keras.layers.ReLU):
        return _arguments_of(form)
    if _is_keras_operation(form):
        arguments = _OPERATIONS[type(form).__name__]
        return _arguments_of(form) if arguments is None else dict(arguments)
    return None


def relu_arguments_of_call(call: Call) -> dict[str, Any] | None:
    """The same for a call: also `maximum(x, 0)` and `clip(x, 0, top)`.

    Args:
        call: A call of any graph.

    Returns:
        Keyword arguments, or None if it is not a ReLU of any kind.
    """
    operation = call.operation
    if isinstance(operation, keras.Layer):
        return relu_arguments(operation)
    if not type(operation).__module__.startswith("keras."):
        return None
    if call.kind == "Clip" and _is_number(operation.x_min, 0):
        top = operation.x_max
        capped = _is_number(top) and top >= 0
        return {"max_value": float(top)} if capped else None
    if call.kind == "Maximum":
        operands = keras.tree.flatten((call.args, call.kwargs))
        bounds = [x for x in operands if not isinstance(x, keras.KerasTensor)]
        alone = len(bounds) == len(operands) - 1 == 1
        return {} if alone and _is_number(bounds[0], 0) else None
    return relu_arguments(operation)


def _is_number(value, wanted=None):
    if isinstance(value, keras.KerasTensor) or np.ndim(value):
        return False
    return wanted is None or float(value) == wanted


def _arguments_of(form):
    return {
        "max_value": form.max_value,
        "negative_slope": form.negative_slope,
        "threshold": form.threshold,
    }


def _is_keras_operation(form):
    kind = type(form)
    return (
        isinstance(form, keras.Operation)
        and not isinstance(form, keras.Layer)
        and kind.__module__.startswith("keras.")
        and kind.__name__ in _OPERATIONS
    )
