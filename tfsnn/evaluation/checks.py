"""Refuses networks and labels that cannot be evaluated."""

import keras
import numpy as np

from tfsnn.errors import DataError


def checked_num_classes(model: keras.Model, role: str) -> int:
    """Number of logits of a network that classifies.

    Args:
        model: The network.
        role: `"model"` or `"reference"`, for the error text.

    Returns:
        K.

    Raises:
        TypeError: If it is not a Keras 3 model.
        ValueError: If it is not built, or has not one output `[B, K]`, K at
            least 2.
    """
    if not isinstance(model, keras.Model):
        array = " or an array of predictions" if role == "reference" else ""
        raise TypeError(
            f"{role} is a {type(model).__module__}.{type(model).__name__}."
            f" Supported: keras.Model of Keras 3{array}. Load the file with"
            " keras.models.load_model."
        )
    inputs = [
        tuple(tensor.shape) for tensor in getattr(model, "inputs", None) or []
    ]
    outputs = [
        tuple(tensor.shape) for tensor in getattr(model, "outputs", None) or []
    ]
    fits = inputs and len(outputs) == 1 and len(outputs[0]) == 2
    if not fits or outputs[0][1] is None:
        raise ValueError(
            f"{role} '{model.name}' has inputs {inputs} and outputs {outputs}."
            " Supported: built networks with one output [B, K]."
            " Take the one output to evaluate, keras.Model(model.input,"
            " model.outputs[0])."
        )
    if outputs[0][1] < 2:
        raise ValueError(
            f"{role} '{model.name}' has one output, so there are no classes to"
            " count. Supported: outputs [B, K] with K of 2 and more. Compare"
            " what model.predict gives with what you expect, or let a binary"
            " classifier have two logits."
        )
    return outputs[0][1]


def check_reference(reference: keras.Model | None, model: keras.Model) -> None:
    """Checks that a reference answers the same question as the network.

    Args:
        reference: The reference, or None.
        model: The network, checked.

    Raises:
        TypeError: If the reference is not a Keras 3 model.
        ValueError: If an input or output has another shape, or several inputs
            have other names or another order.
    """
    if reference is None:
        return
    checked_num_classes(reference, "reference")
    shapes = [_shapes(one) for one in (reference, model)]
    if shapes[0] != shapes[1]:
        raise ValueError(
            f"reference '{reference.name}' has input and output {shapes[0]},"
            f" model '{model.name}' {shapes[1]}. Supported: equal shapes. Pass"
            " the network that the model was made from."
        )


def _shapes(model: keras.Model) -> list:
    """Of inputs and output; a name tells which of several inputs is which."""
    several = len(model.inputs) > 1
    inputs = [
        (one.name, *one.shape[1:]) if several else tuple(one.shape[1:])
        for one in model.inputs
    ]
    return [*inputs, *(tuple(one.shape[1:]) for one in model.outputs)]


def check_positive(name: str, value: int | None) -> None:
    """Checks that a number is whole and at least 1, or None.

    Args:
        name: Name of the argument.
        value: Its value.

    Raises:
        ValueError: If it is no whole number, or below 1.
    """
    whole = isinstance(value, (int, np.integer)) and value is not True
    if value is not None and not (whole and value >= 1):
        raise ValueError(
            f"{name}={value!r}. Supported: whole numbers, 1 and more. Pass one,"
            " or leave it out."
        )


def check_labels(labels: np.ndarray, num_classes: int) -> None:
    """Checks that labels are among the classes.

    Args:
        labels: `[B]` int64, at least one.
        num_classes: K.

    Raises:
        DataError: If one is beyond.
    """
    if labels.max() >= num_classes:
        raise DataError(
            f"Received the label {labels.max()} for a network with"
            f" {num_classes} logits. Supported: labels 0...{num_classes - 1}."
            " Evaluate on the data set the network was trained for."
        )
