"""What users have declared their own layers to be.

The one registry of the package, as `keras.saving` keeps one of classes.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import keras

AFFINE = "affine"
RELU = "relu"
Rewrite = Callable[..., Any]


@dataclasses.dataclass(frozen=True)
class CustomRule:
    """What becomes of a layer class.

    Attributes:
        role: `"affine"`, `"relu"`, or a function to be called in its place.
        max_value: Where a ReLU is capped; None: nowhere.
    """

    role: str | Rewrite
    max_value: float | None = None


_RULES: dict[type, CustomRule] = {}


def register_rule(
    layer_class: type,
    role: str | Rewrite,
    *,
    max_value: float | None = None,
) -> type:
    """Declares what a layer class of your own is in a spiking network.

    A rule holds for the class itself, not for its subclasses, and comes before
    the built-in ones. Registering a class again replaces its rule. `convert`
    compares the prepared network with yours, so that a false rule is found
    out.

    Args:
        layer_class: A subclass of `keras.layers.Layer`.
        role: `"affine"`: it is kept and runs at every step on
            `[T*B, ...]`, so it must treat every sample alone, and its output
            must be an affine function of its input, without an activation.
            `"relu"`: it computes `min(max(x, 0), max_value)` and becomes a
            neuron. A function `(layer, *args, **kwargs) -> outputs`: it is
            called with the layer and symbolic tensors and answers with layers
            or `keras.ops` that compute the same; it copies the weights itself.
        max_value: Where the ReLU is capped; for `"relu"` only.

    Returns:
        The class, so that it can be used as `@partial(register_rule, ...)`.

    Raises:
        TypeError: If `layer_class` is no layer class, or is a model class.
        ValueError: If the role is unknown, or the cap is not above 0 or comes
            with another role.

    Example:
        >>> class Scale(keras.layers.Layer):
        ...     def call(self, inputs):
        ...         return 0.5 * inputs
        >>> tfsnn.register_rule(Scale, "affine")
    """
    if not (
        isinstance(layer_class, type)
        and issubclass(layer_class, keras.layers.Layer)
        and not issubclass(layer_class, keras.Model)
    ):
        raise TypeError(
            f"register_rule received {layer_class!r}. Supported: a class"
            " derived from keras.layers.Layer. Pass the class, not a layer; of"
            " a Lambda, name the layer: ConversionConfig(affine=(NAME,))."
        )
    if role not in (AFFINE, RELU) and not callable(role):
        raise ValueError(
            f"register_rule received role={role!r} for"
            f" '{layer_class.__name__}'. Supported: {AFFINE!r}, {RELU!r}, or a"
            " function of the layer and its arguments. Use one of these."
        )
    if max_value is not None and (role != RELU or not max_value > 0):
        raise ValueError(
            f"register_rule received max_value={max_value!r} with role="
            f"{role!r}. Supported: a number above 0, with role='relu'. Leave"
            " it out or correct it."
        )
    _RULES[layer_class] = CustomRule(role, max_value)
    return layer_class


def unregister_rule(layer_class: type) -> None:
    """Forgets the rule of a class; does nothing if there is none.

    Args:
        layer_class: A layer class.
    """
    _RULES.pop(layer_class, None)


def custom_rule(operation: keras.Operation) -> CustomRule | None:
    """The rule registered for the class of an operation, if any.

    Args:
        operation: A layer or another operation.

    Returns:
        The rule, or None.
    """
    return _RULES.get(type(operation))
