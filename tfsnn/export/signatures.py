"""Every signature of an exported model."""

import dataclasses
from collections.abc import Mapping

import keras
import tensorflow as tf

from tfsnn.conversion.stepping import SteppingForm

from .anytime_signature import anytime_function
from .image_checks import checked_images, images_specs
from .image_decoding import ImageDecoding
from .served_graph import LOGITS, ServedGraph, served_graph
from .serving_function import ServingFunction, serving_function_of
from .trace_signature import trace_function
from .weight_pool import WeightPool

DEFAULT, TRACE, ANYTIME = "serving_default", "trace", "anytime"
SERIALIZED = "serialized"

Concrete = tf.types.experimental.ConcreteFunction


@dataclasses.dataclass(frozen=True, eq=False)
class ServedModel:
    """A spiking model as what a server offers.

    Attributes:
        serving: The default function.
        functions: Name of each signature to its function.
        omitted: Name of each signature that it cannot have to the reason.
    """

    serving: ServingFunction
    functions: Mapping[str, Concrete]
    omitted: Mapping[str, str]


def served_model(
    model: keras.Model,
    *,
    pool: WeightPool | None = None,
    decoding: ImageDecoding | None = None,
) -> ServedModel:
    """Traces every signature of a spiking model.

    Args:
        model: A spiking model.
        pool: Where the weights are stored; a new pool if None.
        decoding: How image files become images; None: no `serialized`.

    Returns:
        The signatures; they hold a copy of the weights.

    Raises:
        ConversionError: If it is no spiking model.
        ExportError: If files cannot hold its images, or its inputs have names
            that no signature can have.
        TypeError: If it is not a Keras model.
    """
    graph = served_graph(model)
    pool = pool or WeightPool()
    serving = serving_function_of(graph, pool)
    functions = {DEFAULT: serving.function}
    omitted = _omitted(graph)
    if {TRACE, ANYTIME} - omitted.keys():
        functions |= _stepped(graph, pool, omitted)
    if decoding is None:
        omitted[SERIALIZED] = "how files become images was not stated"
    else:
        functions[SERIALIZED] = _serialized(graph, serving, decoding)
    return ServedModel(serving, functions, omitted)


def _omitted(graph: ServedGraph) -> dict[str, str]:
    """What cannot be offered, and why."""
    table = graph.table
    if table.has_fixed_steps:
        reason = "the neurons fire the bits of a value, there is no mean so far"
    elif table.has_unknown_axes:
        reason = "the network takes images of any size, stepping only of one"
    elif len(table.readouts) != 1 or LOGITS not in graph.names:
        reason = "the network has no single output that is a mean over time"
    elif not graph.is_classifier:
        return {ANYTIME: "logits are not those of a classifier, [B, classes]"}
    else:
        return {}
    return {TRACE: reason, ANYTIME: reason}


def _stepped(graph, pool, omitted) -> dict[str, Concrete]:
    """The signatures that run step by step."""
    form = SteppingForm(graph.model)
    makers = {
        TRACE: (trace_function, []),
        ANYTIME: (
            anytime_function,
            [
                tf.TensorSpec([None], tf.float32, "confidence"),
                tf.TensorSpec([None], tf.int32, "max_steps"),
            ],
        ),
    }
    return {
        name: _traced(graph, pool.reading(form.model, make(form)), more)
        for name, (make, more) in makers.items()
        if name not in omitted
    }


def _traced(graph, run, more) -> Concrete:
    specs = images_specs(graph.inputs)

    def serve(*values):
        images, arguments = values[: len(specs)], values[len(specs) :]
        return run(checked_images(images, graph.inputs), *arguments)

    function = tf.function(
        serve, input_signature=[*specs, *more], autograph=False
    )
    return function.get_concrete_function()


def _serialized(graph, serving, decoding) -> Concrete:
    decode = decoding.decoder(graph.inputs)
    spec = tf.TensorSpec([None], tf.string, SERIALIZED)
    function = tf.function(
        lambda serialized: serving.function(decode(serialized)),
        input_signature=[spec],
        autograph=False,
    )
    return function.get_concrete_function()
