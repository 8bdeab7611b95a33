"""A spiking model as the function that TensorFlow Serving calls by default."""

import dataclasses

import keras
import numpy as np
import tensorflow as tf

from tfsnn.conversion.counting_model import counting_model, runs_on_counts
from tfsnn.conversion.stepping import SteppingForm
from tfsnn.graph.arguments import arguments
from tfsnn.inputs import Images, every

from .image_checks import checked_images, images_specs
from .served_graph import ServedGraph, served_graph
from .weight_pool import WeightPool

FOLDED_LIMIT = 128
"""Largest T whose steps are computed all at once; above, one after the other.

Folded, memory grows with T; the larger the batch it makes, the faster, up to
about the size of the cache. Stepping needs memory for one step only.
"""


@dataclasses.dataclass(frozen=True, eq=False)
class ServingFunction:
    """What is saved: images `[B, ...]` to named outputs, without state.

    Attributes:
        function: The traced function, `images` float32 (of several inputs one
            argument each) to a dict of tensors.
        pool: Holds the variables that it reads.
        execution: `"folded"` (all steps at once), `"stepping"` or `"counts"`
            (spike counts without steps).
    """

    function: tf.types.experimental.ConcreteFunction
    pool: WeightPool
    execution: str

    def __call__(self, images: Images) -> dict[str, np.ndarray]:
        """Runs the function, the graph that is saved, not Keras.

        Args:
            images: `[B, ...]`, cast to float32; of several inputs a tuple.

        Returns:
            Output name to array `[B, ...]`.
        """
        outputs = self.function(
            *(tf.constant(array, tf.float32) for array in every(images))
        )
        return {name: value.numpy() for name, value in outputs.items()}

    @property
    def variables(self) -> tuple[tf.Variable, ...]:
        """Everything that is stored."""
        return self.pool.variables

    @property
    def num_bytes(self) -> int:
        """Size of the variables."""
        return self.pool.num_bytes


def serving_function(model: keras.Model) -> ServingFunction:
    """Traces a spiking model for serving, see `serving_function_of`.

    Args:
        model: A spiking model.

    Returns:
        The traced function; it holds a copy of the weights.

    Raises:
        ConversionError: If it is no spiking model.
        ExportError: If its inputs have names that no signature can have.
        TypeError: If it is not a Keras model.
    """
    return serving_function_of(served_graph(model), WeightPool())


def serving_function_of(
    graph: ServedGraph, pool: WeightPool
) -> ServingFunction:
    """Traces images to every output of a graph, and to classes.

    Time runs inside: T steps at once up to `FOLDED_LIMIT`, one after the other
    (`tf.while_loop`) above. A two-phase network has no steps inside, only
    spike counts, at any T. Images that are not finite, or of another shape,
    are refused by the graph itself.

    Args:
        graph: What is served.
        pool: Where its weights are stored.

    Returns:
        The traced function.
    """
    execution, run = _execution(graph, pool)

    def serve(*images):
        checked = checked_images(images, graph.inputs)
        values = keras.tree.flatten(run(checked))
        outputs = dict(zip(graph.names, values, strict=True))
        for name, scores in graph.classified.items():
            outputs[name] = tf.argmax(outputs[scores], -1, tf.int64)
        return outputs

    function = tf.function(
        serve, input_signature=images_specs(graph.inputs), autograph=False
    )
    return ServingFunction(function.get_concrete_function(), pool, execution)


def _execution(graph: ServedGraph, pool: WeightPool):
    """How it is run, and the function that does."""
    model = graph.model
    if runs_on_counts(graph.table):
        execution, model = "counts", counting_model(model)
    elif graph.table.timesteps > FOLDED_LIMIT:
        form = SteppingForm(model)
        return "stepping", pool.reading(form.model, form.run)
    else:
        execution = "folded"

    def run(images):
        return model(arguments(model, images), training=False)

    return execution, pool.reading(model, run)
