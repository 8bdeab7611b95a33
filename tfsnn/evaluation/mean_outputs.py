"""What each neuron of a spiking network sends, averaged over its T steps."""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from tfsnn.conversion.compiled_neurons import CompiledNeurons
from tfsnn.conversion.counting_model import counting_graph, runs_on_counts
from tfsnn.conversion.stepping import SteppingForm, batch_size_of
from tfsnn.conversion.timetable import timetable
from tfsnn.dynamics.time import unfold
from tfsnn.graph.trace import trace
from tfsnn.inputs import Images, each
from tfsnn.layers import CountActivation

from .execution import folded_timesteps
from .runners import compiled, images_spec


class MeanOutputs:
    """Runs a spiking model; see the module.

    Attributes:
        table: Its timetable.
        neurons: Name of each neuron to its layer.
    """

    def __init__(self, model: keras.Model):
        """Makes the graph.

        Args:
            model: A spiking model.

        Raises:
            ConversionError: If it is no spiking model.
        """
        graph = trace(model)
        self.table = timetable(graph)
        self.neurons = {
            call.name: call.operation for call in self.table.neurons
        }
        if runs_on_counts(self.table):
            run, self._kept = _on_counts(graph, self.table)
        elif (
            self.table.has_unknown_axes
            or self.table.timesteps <= folded_timesteps()
        ):
            run, self._kept = _folded(graph.model, self.table)
        else:
            run, self._kept = _stepped(graph.model, self.neurons)
        specs = [images_spec(model.inputs)]
        self._run = compiled(run, specs)

    def __call__(self, images: Images) -> dict[str, np.ndarray]:
        """Runs a batch.

        Args:
            images: `[B, ...]`.

        Returns:
            Name of a neuron to means `[B, ...]`, activation units.
        """
        found = self._run(each(tf.convert_to_tensor, images))
        return {name: mean.numpy() for name, mean in found.items()}


Run = tuple[Callable, object]
"""The function, and what has to be kept because it holds variables."""


def _on_counts(graph, table) -> Run:
    counting = counting_graph(graph, table)
    taps = {
        call.name: call.outputs
        for call in counting
        if isinstance(call.operation, CountActivation)
    }
    model = keras.Model(counting.model.inputs, taps)
    return lambda images: model(images, training=False), model


def _folded(model, table) -> Run:
    taps = {call.name: call.outputs for call in table.neurons}
    tapped = keras.Model(model.inputs, taps)

    def run(images):
        trains = tapped(images, training=False)
        return {
            name: tf.reduce_mean(unfold(train, table.timesteps), axis=0)
            for name, train in trains.items()
        }

    return run, tapped


def _stepped(model, neurons) -> Run:
    form = SteppingForm(model, neurons=CompiledNeurons())

    def run(images):
        batch_size = batch_size_of(images)

        def update(step, readouts, spikes, sums):
            return {name: sums[name] + spikes[name] for name in sums}

        zeros = {}
        for call in form.timetable.neurons:
            shape = tf.stack([batch_size, *call.outputs.shape[1:]])
            dtype = call.operation.cell.variable_dtype
            zeros[call.name] = tf.zeros(shape, dtype)
        sums = form.over_time(
            form.prelude(images), update, zeros, batch_size=batch_size
        )
        return {
            name: neurons[name].cell.emitted(
                tf.math.divide_no_nan(
                    total, tf.cast(form.timesteps, total.dtype)
                )
            )
            for name, total in sums.items()
        }

    return run, (form, neurons)
