"""From a user's model to a graph of its own."""

import functools

import keras

from tfsnn.errors import ConversionError

from .rewrite import Rewriter
from .view import Graph


class StandIn(keras.Operation):
    """Stands for a layer that cannot be rebuilt; it cannot be run.

    Args:
        original: The layer of the user's model.
    """

    def __init__(self, original: keras.Operation):
        """See the class."""
        super().__init__(name=original.name)
        self.original = original

    def compute_output_spec(self, *args, **kwargs):
        """What the original returns."""
        return self.original.compute_output_spec(*args, **kwargs)


def trace(model: keras.Model, *, stand_ins: bool = False) -> Graph:
    """Copies a Functional or Sequential model and records its calls.

    Args:
        model: A built Functional or Sequential model; it is not changed.
        stand_ins: Whether a layer that cannot be rebuilt becomes a `StandIn`
            instead of an error, so that the rest can be looked at.

    Returns:
        A graph whose model has the same outputs and its own weights.

    Raises:
        TypeError: If `model` is not a `keras.Model`.
        ConversionError: If it is subclassed, or Sequential without an input
            shape: its graph is not known. If a layer cannot be rebuilt.
    """
    functional = _as_functional(model)
    rewriter = Rewriter()
    stand_in = functools.cache(_stand_in)  # the same one for each use

    def call(operation, *args, **kwargs):
        try:
            copy = rewriter.copy(operation)
        except ConversionError:
            if not stand_ins:
                raise
            copy = stand_in(operation)
        return rewriter.apply(copy, *args, **kwargs)

    copy = keras.models.clone_model(
        functional, clone_function=lambda layer: layer, call_function=call
    )
    return Graph(copy, rewriter.calls)


def _stand_in(operation):
    # The class name is what messages tell.
    kind = type(type(operation).__name__, (StandIn,), {})
    return kind(operation)


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
        (first,), (last,) = model.inputs, model.outputs
        return keras.Model(first, last, name=model.name)
    if not hasattr(model, "operations"):
        raise ConversionError(
            f"Model '{model.name}' ({type(model).__name__}) is subclassed: its"
            " graph is hidden in call(). Supported: Functional and Sequential"
            " models. Rebuild it with keras.Model(inputs, outputs)."
        )
    return model
