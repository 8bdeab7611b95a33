"""From a user's model to a graph of its own."""

import keras

from tfsnn.errors import ConversionError

from .rewrite import Rewriter
from .view import Graph


def trace(model: keras.Model) -> Graph:
    """Copies a Functional or Sequential model and records its calls.

    Args:
        model: A built Functional or Sequential model; it is not changed.

    Returns:
        A graph whose model has the same outputs and its own weights.

    Raises:
        TypeError: If `model` is not a `keras.Model`.
        ConversionError: If it is subclassed, or Sequential without an input
            shape: its graph is not known.
    """
    functional = _as_functional(model)
    rewriter = Rewriter()

    def call(operation, *args, **kwargs):
        return rewriter.apply(rewriter.copy(operation), *args, **kwargs)

    copy = keras.models.clone_model(
        functional, clone_function=lambda layer: layer, call_function=call
    )
    return Graph(copy, rewriter.calls)


def _as_functional(model):
    if not isinstance(model, keras.Model):
        raise TypeError(
            f"model is a {type(model).__module__}.{type(model).__name__}."
            " Supported: keras.Model of Keras 3 (Functional or Sequential)."
            " Load the file with keras.models.load_model."
        )
    if isinstance(model, keras.Sequential):
        if not model.built:
            raise ConversionError(
                f"Sequential model '{model.name}' has no input shape yet."
                " Supported: built models. Start it with keras.Input(shape), or"
                " call model.build((None, H, W, C))."
            )
        return keras.Model(model.inputs, model.outputs, name=model.name)
    try:
        model.input  # noqa: B018
    except (AttributeError, ValueError) as error:
        raise ConversionError(
            f"Model '{model.name}' ({type(model).__name__}) is subclassed: its"
            " graph is hidden in call(). Supported: Functional and Sequential"
            " models. Rebuild it with keras.Model(inputs, outputs)."
        ) from error
    return model
