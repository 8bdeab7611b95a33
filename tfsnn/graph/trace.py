"""From a user's model to a graph of its own."""

from collections.abc import Collection
from typing import Any

import keras

from tfsnn.errors import ConversionError
from tfsnn.layers import DeclaredAffine

from .custom_rules import RELU, custom_rule
from .rewrite import Rewriter
from .rewriting_rules import rewritten
from .view import Graph, symbolic_tensors


class StandIn(keras.Operation):
    """Stands for a layer that cannot be rebuilt; it cannot be run.

    Args:
        original: The layer of the user's model.
        name: Its name.
        fault: What is wrong with the rule that rewrites it; empty if it is not
            that.
    """

    def __init__(
        self,
        original: keras.Operation,
        name: str | None = None,
        fault: str = "",
    ):
        """See the class."""
        super().__init__(name=name or original.name)
        self.original = original
        self.fault = fault

    def compute_output_spec(self, *args, **kwargs):
        """What the original returns."""
        return self.original.compute_output_spec(*args, **kwargs)


def trace(
    model: keras.Model,
    *,
    stand_ins: bool = False,
    affine: Collection[str] = (),
) -> Graph:
    """Copies a Functional or Sequential model and records its calls.

    Models inside it are opened: their layers take the place of the call. So
    are layers for which a rule is registered that rewrites them.

    Args:
        model: A built Functional or Sequential model; it is not changed.
        stand_ins: Whether a layer that cannot be rebuilt becomes a `StandIn`
            instead of an error, so that the rest can be looked at.
        affine: Names of layers that become `DeclaredAffine`.

    Returns:
        A graph whose model has the same outputs and its own weights.

    Raises:
        TypeError: If `model` is not a `keras.Model`.
        ConversionError: If it is subclassed, or Sequential without an input
            shape: its graph is not known. If a layer cannot be rebuilt.
    """
    functional = _as_functional(model)
    return _Tracer(functional, stand_ins, affine).trace(functional)


class _Tracer:
    """Copies calls; all the models opened on the way share one set of names."""

    def __init__(self, outer, stand_ins, affine):
        self._stand_ins = stand_ins
        self._affine = affine
        self._names = Rewriter(operation.name for operation in outer.operations)
        self._opened: dict[int, Graph] = {}
        self._copies: dict[int, keras.Operation] = {}

    def trace(self, functional: keras.Model, *, inner: bool = False) -> Graph:
        rewriter = Rewriter()

        def call(operation, *args, **kwargs):
            if _can_be_opened(operation, args, kwargs):
                graph = self._graph_of(operation)
                return _replayed(rewriter, graph, args, kwargs)
            rule = custom_rule(operation)
            if rule is not None and rule.role == RELU:
                layer = self._relu(operation, rule.max_value, inner)
            elif rule is not None and callable(rule.role):
                found = self._by_rule(operation, rule.role, args, kwargs)
                if isinstance(found, Graph):
                    return _replayed(rewriter, found, args, kwargs)
                layer = found
            else:
                layer = self._copy(rewriter, operation, inner)
            if operation.name in self._affine:
                layer = self._declared(layer)
            return rewriter.apply(layer, *args, **kwargs)

        copy = keras.models.clone_model(
            functional, clone_function=lambda layer: layer, call_function=call
        )
        return Graph(copy, rewriter.calls)

    def _graph_of(self, nested: keras.Model) -> Graph:
        if id(nested) not in self._opened:
            functional = _as_functional(nested)
            self._opened[id(nested)] = self.trace(functional, inner=True)
        return self._opened[id(nested)]

    def _by_rule(self, layer, function, args, kwargs) -> Graph | StandIn:
        """What a user's rule makes of a layer."""
        try:
            model = rewritten(layer, function, args, kwargs)
        except ConversionError as error:
            if not self._stand_ins:
                raise
            return _stand_in(layer, layer.name, str(error))
        return self.trace(model, inner=True)

    def _name(self, operation, inner):
        if not inner:
            return operation.name
        return self._names.unused_name(operation.name)

    def _relu(self, operation, max_value, inner):
        if id(operation) not in self._copies:
            self._copies[id(operation)] = keras.layers.ReLU(
                max_value,
                name=self._name(operation, inner),
                dtype=operation.dtype_policy,
            )
        return self._copies[id(operation)]

    def _declared(self, layer):
        """A copy marked as affine; the same one for each use."""
        if id(layer) not in self._copies:
            self._copies[id(layer)] = DeclaredAffine(layer, name=layer.name)
        return self._copies[id(layer)]

    def _copy(self, rewriter, operation, inner):
        """The copy of an operation; the same one for each use."""
        if id(operation) in self._copies:
            return self._copies[id(operation)]
        name = self._name(operation, inner)
        changes = {} if name == operation.name else {"name": name}
        try:
            copy = rewriter.copy(operation, **changes)
        except ConversionError:
            if not self._stand_ins:
                raise
            copy = _stand_in(operation, name)
        self._copies[id(operation)] = copy
        return copy


def _can_be_opened(operation, args, kwargs) -> bool:
    """Whether a call is of a model with a known graph, at inference.

    Called with `training=True` it stays closed, and so it does where the
    tensors given are of another dtype or rank than its inputs.
    """
    if not isinstance(operation, keras.Model):
        return False
    if kwargs.get("training") is True or not operation.built:
        return False
    sequential = isinstance(operation, keras.Sequential)
    if not sequential and not hasattr(operation, "operations"):
        return False
    given = symbolic_tensors((args, kwargs))
    return len(given) == len(operation.inputs) and all(
        a.dtype == b.dtype and len(a.shape) == len(b.shape)
        for a, b in zip(given, operation.inputs, strict=True)
    )


def _replayed(rewriter: Rewriter, graph: Graph, args, kwargs) -> Any:
    """Applies the operations of a graph to new tensors."""
    given = symbolic_tensors((args, kwargs))
    new = {
        id(before): after
        for before, after in zip(graph.model.inputs, given, strict=True)
    }

    def renew(leaf):
        return new[id(leaf)] if isinstance(leaf, keras.KerasTensor) else leaf

    for call in graph:
        args, kwargs = keras.tree.map_structure(renew, (call.args, call.kwargs))
        outputs = rewriter.apply(call.operation, *args, **kwargs)
        for before, after in zip(
            keras.tree.flatten(call.outputs),
            keras.tree.flatten(outputs),
            strict=True,
        ):
            new[id(before)] = after
    return keras.tree.map_structure(renew, graph.model.output)


def _stand_in(operation, name, fault=""):
    # The class name is what messages tell.
    kind = type(type(operation).__name__, (StandIn,), {})
    return kind(operation, name, fault)


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
