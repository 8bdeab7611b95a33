"""The one rewriter: replay a model's calls on new tensors, changed or not.

Every rewrite makes new layers; the model it starts from is never touched.
"""

from collections.abc import Callable
from typing import Any

import keras

from .view import Call, Graph


class Rewriter:
    """Applies operations to new tensors and records the calls.

    A visitor gets it as its first argument and answers for one call of the old
    graph: what stands for the call's outputs in the new one.
    """

    def __init__(self):
        """Starts with no calls."""
        self.calls: list[Call] = []
        self._copies: dict[int, keras.Operation] = {}
        self._pending: dict[int, keras.Layer] = {}

    def apply(self, operation: keras.Operation, *args, **kwargs) -> Any:
        """Calls an operation and records the call.

        Args:
            operation: A new operation, or one that `copy` returned.
            *args: Arguments of the call, new tensors.
            **kwargs: Keyword arguments of the call.

        Returns:
            What the operation returns.
        """
        outputs = operation(*args, **kwargs)
        source = self._pending.pop(id(operation), None)
        if source is not None:
            operation.set_weights(source.get_weights())
        self.calls.append(Call(operation, args, kwargs, outputs))
        return outputs

    def copy(self, operation: keras.Operation) -> keras.Operation:
        """A copy with its own weights; the same one for each use."""
        key = id(operation)
        if key not in self._copies:
            copy = type(operation).from_config(operation.get_config())
            self._copies[key] = copy
            if isinstance(operation, keras.Layer) and operation.weights:
                self._pending[id(copy)] = operation
        return self._copies[key]


Visitor = Callable[[Rewriter, Call, tuple, dict[str, Any]], Any]


def unchanged(
    rewriter: Rewriter, call: Call, args: tuple, kwargs: dict[str, Any]
) -> Any:
    """The visitor that copies a call as it is."""
    return rewriter.apply(rewriter.copy(call.operation), *args, **kwargs)


def rewrite(
    graph: Graph,
    visit: Visitor,
    *,
    finish: Callable[[Rewriter, Any], Any] = lambda rewriter, tensor: tensor,
    name: str | None = None,
) -> Graph:
    """Replays every call through a visitor.

    Args:
        graph: The graph to start from; it and its model stay as they are.
        visit: `(rewriter, call, args, kwargs) -> outputs`: the old call and
            its arguments as new tensors, to what stands for its outputs.
        finish: `(rewriter, tensor) -> tensor`, applied to each model output.
        name: Name of the new model; that of the old one by default.

    Returns:
        A new graph with its own model and its own weights.
    """
    rewriter = Rewriter()
    old = graph.model
    inputs = keras.tree.map_structure(_new_input, old.input)
    new = {
        id(before): after
        for before, after in zip(
            keras.tree.flatten(old.input),
            keras.tree.flatten(inputs),
            strict=True,
        )
    }

    def renew(structure):
        return keras.tree.map_structure(
            lambda leaf: (
                new[id(leaf)] if isinstance(leaf, keras.KerasTensor) else leaf
            ),
            structure,
        )

    for call in graph:
        outputs = visit(rewriter, call, renew(call.args), renew(call.kwargs))
        for before, after in zip(
            keras.tree.flatten(call.outputs),
            keras.tree.flatten(outputs),
            strict=True,
        ):
            new[id(before)] = after
    outputs = keras.tree.map_structure(
        lambda tensor: finish(rewriter, tensor), renew(old.output)
    )
    model = keras.Model(inputs, outputs, name=name or old.name)
    return Graph(model, rewriter.calls)


def _new_input(tensor: keras.KerasTensor) -> keras.KerasTensor:
    return keras.Input(
        batch_shape=tensor.shape, dtype=tensor.dtype, name=tensor.name
    )
