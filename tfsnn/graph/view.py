"""A read-only view of a functional model: every call, in order.

`model.layers` omits operation nodes (a functional `keras.ops.relu`, `+`), and
`layer.input` is ambiguous for a shared layer. The view lists calls instead: one
entry for each time an operation is applied.
"""

import dataclasses
from collections.abc import Iterator
from typing import Any

import keras


@dataclasses.dataclass(frozen=True, eq=False)
class Call:
    """One application of a layer or operation.

    Attributes:
        operation: The `keras.Layer` or `keras.Operation`.
        args: Positional arguments, with symbolic tensors in them.
        kwargs: Keyword arguments.
        outputs: What it returned, a structure of symbolic tensors.
    """

    operation: keras.Operation
    args: tuple
    kwargs: dict[str, Any]
    outputs: Any

    @property
    def name(self) -> str:
        """Name of the operation; equal for all calls of a shared layer."""
        return self.operation.name

    @property
    def kind(self) -> str:
        """Class name of the operation, for messages."""
        return type(self.operation).__name__

    @property
    def forces_training(self) -> bool:
        """Whether it was called with `training=True`, also at inference."""
        return self.kwargs.get("training") is True

    @property
    def input_tensors(self) -> list[keras.KerasTensor]:
        """All symbolic tensors among the arguments."""
        return symbolic_tensors((self.args, self.kwargs))

    @property
    def output_tensors(self) -> list[keras.KerasTensor]:
        """All symbolic tensors returned."""
        return symbolic_tensors(self.outputs)


def symbolic_tensors(structure: Any) -> list[keras.KerasTensor]:
    """The symbolic tensors of a nested structure, in order."""
    return [
        leaf
        for leaf in keras.tree.flatten(structure)
        if isinstance(leaf, keras.KerasTensor)
    ]


class Graph:
    """A functional model and its calls in topological order.

    Attributes:
        model: The `keras.Model`.
        calls: Every `Call`, each after the calls it depends on.
    """

    def __init__(self, model: keras.Model, calls: list[Call]):
        """Indexes producers and consumers.

        Args:
            model: A functional model.
            calls: Its calls in topological order, on the model's own tensors.
        """
        self.model = model
        self.calls = tuple(calls)
        self._producer = {
            id(tensor): call for call in calls for tensor in call.output_tensors
        }
        self._consumers: dict[int, list[Call]] = {}
        for call in calls:
            for tensor in call.input_tensors:
                self._consumers.setdefault(id(tensor), []).append(call)
        self._output_ids = {id(t) for t in symbolic_tensors(model.outputs)}

    def __iter__(self) -> Iterator[Call]:
        """Calls in topological order."""
        return iter(self.calls)

    def producer(self, tensor: keras.KerasTensor) -> Call | None:
        """The call that makes a tensor; None for a model input."""
        return self._producer.get(id(tensor))

    def consumers(self, tensor: keras.KerasTensor) -> list[Call]:
        """The calls that read a tensor, one entry a use."""
        return self._consumers.get(id(tensor), [])

    def is_output(self, tensor: keras.KerasTensor) -> bool:
        """Whether a tensor leaves the model."""
        return id(tensor) in self._output_ids

    def calls_of(self, operation: keras.Operation) -> list[Call]:
        """Every application of an operation; more than one: shared."""
        return [call for call in self.calls if call.operation is operation]

    def num_calls(self, operation: keras.Operation) -> int:
        """How often an operation is applied; more than one: shared."""
        return len(self.calls_of(operation))

    def only_consumer(self, tensor: keras.KerasTensor) -> Call | None:
        """The single use of a tensor that stays inside, or None."""
        consumers = self.consumers(tensor)
        if len(consumers) != 1 or self.is_output(tensor):
            return None
        return consumers[0]
