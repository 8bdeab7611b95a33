"""The one rewriter: replay a model's calls on new tensors, changed or not.

Every rewrite makes new layers; the model it starts from is never touched.
"""

import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import keras
import numpy as np

from tfsnn.errors import ConversionError

from .view import Call, Graph


class Rewriter:
    """Applies operations to new tensors and records the calls.

    A visitor gets it as its first argument and answers for one call of the old
    graph: what stands for the call's outputs in the new one.

    Attributes:
        calls: The calls recorded so far.
    """

    def __init__(self, taken_names: Iterable[str] = ()):
        """Starts with no calls.

        Args:
            taken_names: Names that `unused_name` must not give.
        """
        self.calls: list[Call] = []
        self._copies: dict[int, keras.Operation] = {}
        self._pending: dict[int, list[np.ndarray]] = {}
        self._names = set(taken_names)
        self._used: set[int] = set()

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
        # The copy of a layer may be called from inside of a wrapper.
        for layer in (operation, getattr(operation, "layer", None)):
            weights = self._pending.pop(id(layer), None)
            if weights is not None:
                _set_weights(layer, weights)
        self.calls.append(Call(operation, args, kwargs, outputs))
        return outputs

    def copy(
        self,
        operation: keras.Operation,
        *,
        weights: Sequence[np.ndarray] | None = None,
        **changes,
    ) -> keras.Operation:
        """A copy with its own weights; the same one for each use.

        Args:
            operation: An operation of the old graph.
            weights: Weights of the copy; those of `operation` by default.
            **changes: Entries of its configuration that differ.

        Returns:
            A new operation; `apply` gives it the weights once it is built.

        Raises:
            ConversionError: If its configuration does not rebuild it.
        """
        key = id(operation)
        if key not in self._copies:
            copy = _rebuilt(operation, changes)
            self._copies[key] = copy
            if weights is None and isinstance(operation, keras.Layer):
                weights = operation.get_weights()
            if weights:
                self._pending[id(copy)] = list(weights)
        return self._copies[key]

    def unused_name(self, base: str) -> str:
        """`base`, or `base_1`, `base_2`, ...: the first that nothing has."""
        candidates = itertools.chain(
            [base], (f"{base}_{number}" for number in itertools.count(1))
        )
        name = next(name for name in candidates if name not in self._names)
        self._names.add(name)
        return name

    def name_of_use(self, operation: keras.Operation) -> str:
        """Name for one layer a use: `name`, then `name_1`, `name_2`, ...."""
        if id(operation) not in self._used:
            self._used.add(id(operation))
            return operation.name
        return self.unused_name(operation.name)


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
    old = graph.model
    rewriter = Rewriter(operation.name for operation in old.operations)
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


def _rebuilt(operation, changes):
    try:
        if type(operation) is keras.layers.Lambda:
            return _copied_lambda(operation, changes)
        config = operation.get_config()
        if "name" not in config and not isinstance(operation, keras.Layer):
            changes = {k: v for k, v in changes.items() if k != "name"}
        return type(operation).from_config({**config, **changes})
    except (NotImplementedError, TypeError, ValueError) as error:
        raise ConversionError(
            f"'{operation.name}' ({type(operation).__name__}) cannot be"
            " rebuilt from its configuration. Supported: layers and functions"
            " that Keras can save and load. Use named functions instead of"
            " lambdas, and keras.saving.register_keras_serializable with"
            " get_config() for your own."
        ) from error


def _copied_lambda(layer, changes):
    """A `Lambda` of the same function; from a file none is ever run."""
    return keras.layers.Lambda(
        layer.function,
        output_shape=layer.get_config().get("output_shape"),
        mask=layer.mask,
        arguments=layer.arguments,
        name=changes.get("name", layer.name),
        dtype=changes.get("dtype", layer.dtype_policy),
    )


def _set_weights(layer, weights):
    layer.set_weights(weights)
    if isinstance(layer, keras.layers.Normalization):
        layer.finalize_state()  # it computes with a snapshot of them
