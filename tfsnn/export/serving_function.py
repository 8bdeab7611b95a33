"""A spiking model as the one function that TensorFlow Serving calls."""

import dataclasses

import keras
import numpy as np
import tensorflow as tf

from tfsnn.conversion.check import is_head
from tfsnn.conversion.counting_model import counting_model, runs_on_counts
from tfsnn.conversion.rules import KERNEL_LAYERS, activation_name
from tfsnn.conversion.stepping import SteppingForm
from tfsnn.conversion.timetable import Timetable, timetable
from tfsnn.errors import ExportError
from tfsnn.graph.trace import trace
from tfsnn.graph.view import Call, Graph
from tfsnn.layers import TimeAverage

INPUT_NAME = "images"
FOLDED_LIMIT = 128
"""Largest T whose steps are computed all at once; above, one after the other.

Folded, memory grows with T; the larger the batch it makes, the faster, up to
about the size of the cache. Stepping needs memory for one step only.
"""

_PROBABILITIES = ("softmax", "sigmoid")


@dataclasses.dataclass(frozen=True, eq=False)
class ServingFunction:
    """What is saved: images `[B, ...]` to named outputs, without state.

    Attributes:
        function: The traced function, `images` float32 to a dict of tensors.
        variables: The variables it reads, in the order of the model.
        model: The Keras model that holds them.
        execution: `"folded"` (all steps at once), `"stepping"` or `"counts"`
            (spike counts without steps).
    """

    function: tf.types.experimental.ConcreteFunction
    variables: tuple[tf.Variable, ...]
    model: keras.Model
    execution: str

    def __call__(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Runs the function, the graph that is saved, not Keras.

        Args:
            images: `[B, ...]`, cast to float32.

        Returns:
            Output name to array `[B, ...]`.
        """
        outputs = self.function(tf.constant(images, tf.float32))
        return {name: value.numpy() for name, value in outputs.items()}

    @property
    def num_bytes(self) -> int:
        """Size of the variables."""
        return sum(
            v.dtype.size * v.shape.num_elements() for v in self.variables
        )


def serving_function(model: keras.Model) -> ServingFunction:
    """Traces a spiking model for serving.

    The outputs are `logits`, averaged over time and before a last activation,
    and what the model returns if it ends in one: `probabilities` for softmax
    and sigmoid, `outputs` for another. There are no `logits` where a last
    activation is still fused into a Dense layer. A model with several outputs
    has these for each, numbered: `logits_0`, `logits_1`, ...

    Time runs inside: T steps at once up to `FOLDED_LIMIT`, one after the other
    (`tf.while_loop`) above. A two-phase network has no steps inside, only
    spike counts, at any T.

    Args:
        model: A spiking model with one input.

    Returns:
        The traced function; it holds a copy of the weights.

    Raises:
        ConversionError: If it is no spiking model.
        ExportError: If it has several inputs.
        TypeError: If it is not a Keras model.
    """
    graph = trace(model)
    table = timetable(graph)
    (image, *more) = graph.model.inputs
    if more:
        raise ExportError(
            f"Model '{model.name}' has {len(more) + 1} inputs. Supported: one"
            " input, the images. Join them before the network."
        )
    tensors = _named_outputs(graph)
    traced = keras.Model(image, list(tensors.values()), name="spiking")
    execution, holder, run = _execution(traced, table)

    def serve(images):
        values = run(tf.cast(images, image.dtype))
        return dict(zip(tensors, keras.tree.flatten(values), strict=True))

    spec = tf.TensorSpec([None, *image.shape[1:]], tf.float32, INPUT_NAME)
    function = tf.function(serve, input_signature=[spec], autograph=False)
    function = function.get_concrete_function()
    return ServingFunction(
        function,
        _read_variables(function, holder),
        holder,
        execution,
    )


def _execution(model: keras.Model, table: Timetable):
    """How it is run, the model that is run, and the function that does."""
    if runs_on_counts(table):
        execution, model = "counts", counting_model(model)
    elif table.timesteps > FOLDED_LIMIT:
        form = SteppingForm(model)
        return "stepping", form.model, form.run
    else:
        execution = "folded"
    return execution, model, lambda images: model(images, training=False)


def _named_outputs(graph: Graph) -> dict[str, keras.KerasTensor]:
    outputs = keras.tree.flatten(graph.model.outputs)
    named = {}
    for number, tensor in enumerate(outputs):
        suffix = f"_{number}" if len(outputs) > 1 else ""
        logits = _before_head(graph, tensor)
        if logits is not None:
            named[f"logits{suffix}"] = logits
        if logits is not tensor:
            named[_head_name(graph.producer(tensor)) + suffix] = tensor
    return named


def _before_head(graph: Graph, tensor) -> keras.KerasTensor | None:
    """What enters the first last activation; None if that is fused."""
    found = tensor
    while (call := graph.producer(tensor)) is not None:
        if isinstance(call.operation, TimeAverage):
            break
        if len(call.input_tensors) != 1:
            break
        (tensor,) = call.input_tensors
        if is_head(call):
            fused = isinstance(call.operation, KERNEL_LAYERS)
            found = None if fused else tensor
    return found


def _head_name(call: Call) -> str:
    """What to call the output of a last activation."""
    names = {call.kind.lower()}
    if hasattr(call.operation, "activation"):
        names.add(activation_name(call.operation.activation))
    return "probabilities" if names & set(_PROBABILITIES) else "outputs"


def _read_variables(function, model: keras.Model) -> tuple[tf.Variable, ...]:
    """Those a function reads, in an order that does not change."""
    read = {id(variable) for variable in function.variables}
    own = [weight.value for weight in model.variables]
    return tuple(variable for variable in own if id(variable) in read)
