"""Calls the function that a user registered in the place of a layer."""

from collections.abc import Callable
from typing import Any

import keras

from tfsnn.errors import ConversionError

from .view import symbolic_tensors

SUPPORTED = (
    "Supported: a function (layer, *args, **kwargs) that answers what other"
    " layers and keras.ops return for the symbolic tensors that it got, in the"
    " shapes of the layer's own outputs. Correct the function given to"
    " register_rule."
)


def rewritten(
    layer: keras.Layer, function: Callable, args: tuple, kwargs: dict
) -> keras.Model:
    """What a user's function puts in the place of a layer.

    Args:
        layer: The layer, of a class with a rule.
        function: That rule.
        args: What the layer is called with.
        kwargs: The same by keyword.

    Returns:
        A model from tensors like those given to the outputs.

    Raises:
        ConversionError: If the function fails, answers something else or other
            shapes, or uses a layer of the same class again.
    """
    inputs = [_placeholder(t) for t in symbolic_tensors((args, kwargs))]
    given = iter(inputs)
    args, kwargs = keras.tree.map_structure(
        lambda leaf: (
            next(given) if isinstance(leaf, keras.KerasTensor) else leaf
        ),
        (args, kwargs),
    )
    wanted = _shapes(layer.compute_output_spec(*args, **kwargs))
    model = None
    try:
        outputs = function(layer, *args, **kwargs)
        if _shapes(outputs):
            model = keras.Model(inputs, outputs)
    except Exception as error:  # The code is the user's: any type.
        _refuse(layer, f"raised {type(error).__name__}: {error}", error)
    if model is None:
        _refuse(layer, f"answered {outputs!r}")
    if _shapes(outputs) != wanted:
        _refuse(layer, f"answered shapes {_shapes(outputs)}, not {wanted}")
    if any(type(one) is type(layer) for one in model.operations):
        _refuse(layer, "uses a layer of that class again")
    return model


def _shapes(outputs: Any) -> list[tuple]:
    return [tuple(tensor.shape) for tensor in symbolic_tensors(outputs)]


def _refuse(layer, problem, cause=None):
    raise ConversionError(
        f"The rule for '{layer.name}' ({type(layer).__name__}) {problem}."
        f" {SUPPORTED}"
    ) from cause


def _placeholder(tensor: keras.KerasTensor) -> keras.KerasTensor:
    return keras.Input(batch_shape=tensor.shape, dtype=tensor.dtype)
