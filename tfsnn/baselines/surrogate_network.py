"""A spiking network that gradients pass through, time included."""

import math

import keras
import tensorflow as tf

from tfsnn.conversion.single_step import applied, store
from tfsnn.conversion.timetable import is_spiking
from tfsnn.dynamics.integrate_and_fire import State, charge
from tfsnn.dynamics.surrogate import spike_by_recency
from tfsnn.dynamics.time import fold, scan, unfold
from tfsnn.errors import ConversionError
from tfsnn.evaluation.plain import graph_without_head
from tfsnn.graph.trace import trace
from tfsnn.layers import SpikingActivation

NEVER = 1000.0
"""Steps since the last spike of a neuron that has not fired."""
BYTES, PARTS = 4, 4


class SurrogateNetwork:
    """The folded network with the surrogate gradient of Rathi et al.

    The values are those of the spiking model, bit for bit; only the gradient
    of a spike differs, see `spike_by_recency`. That of the reset is 0, as in
    the authors' code.

    Attributes:
        model: A copy of the model, whose weights are used.
        variables: What can be trained: weights in front of neurons and of the
            read-out; neurons keep their thresholds.
    """

    def __init__(
        self, model: keras.Model, *, alpha: float = 0.3, beta: float = 0.01
    ):
        """Copies the model.

        Args:
            model: A spiking model with plain neurons that reset softly, one
                input and one output.
            alpha: See `spike_by_recency`.
            beta: See `spike_by_recency`.

        Raises:
            TypeError: If it is not a Keras 3 model.
            ConversionError: If it has no neurons, or others.
        """
        graph = trace(model)
        self.model = graph.model
        self._graph = graph_without_head(graph)
        self._alpha = alpha
        self._beta = beta
        _check(self._graph)
        self._without_head = self._graph.model
        self.variables = [
            variable
            for layer in self._without_head.layers
            if not isinstance(layer, SpikingActivation)
            for variable in layer.trainable_variables
        ]

    def __call__(self, images: tf.Tensor) -> tf.Tensor:
        """Images `[B, ...]` to outputs averaged over time `[B, K]`."""
        source = self._without_head.inputs[0]
        values = {id(source): tf.cast(images, source.dtype)}
        for call in self._graph:
            if is_spiking(call):
                current = values[id(call.input_tensors[0])]
                outputs = self._spikes(call.operation, current)
            else:
                outputs = applied(call, lambda tensor: values[id(tensor)])
            store(values, call.outputs, outputs)
        return values[id(self._without_head.outputs[0])]

    @property
    def bytes_per_image(self) -> int:
        """Bytes kept for the gradient of one image, an estimate.

        Current, potential, spike and output of every neuron at every step.
        """
        values = 0
        for call in self._graph:
            if is_spiking(call):
                features = call.input_tensors[0].shape[1:]
                values += call.operation.timesteps * math.prod(features)
        return BYTES * PARTS * values

    def finished(self) -> keras.Model:
        """The model with the weights as they are now, softmax included."""
        for layer in self._without_head.layers:
            self.model.get_layer(layer.name).set_weights(layer.get_weights())
        return self.model

    def _spikes(self, layer: SpikingActivation, current: tf.Tensor):
        cell = layer.cell
        if layer.temporal_input:
            sequence = cell.scaled_current(unfold(current, layer.timesteps))
            shape = tf.shape(sequence)[1:]
        else:
            sequence = None
            constant = cell.scaled_current(current)
            shape = tf.shape(constant)
        (potential,) = cell.initial_state(shape)
        train, _ = scan(
            lambda step: constant if sequence is None else sequence[step],
            (potential, tf.fill(shape, tf.cast(NEVER, potential.dtype))),
            lambda state, step: self._fire(layer, state, step),
            timesteps=layer.timesteps,
            lag=layer.lag,
            emit=lambda spikes: tf.cast(
                cell.emitted(spikes), layer.compute_dtype
            ),
        )
        return fold(train)

    def _fire(self, layer, state: State, step) -> tuple[tf.Tensor, State]:
        if layer.temporal_bias is not None:
            extra = tf.gather(layer.temporal_bias.value, step)
            state = charge(state, layer.cell.in_thresholds(extra))
        potential, elapsed = state
        elapsed = elapsed + 1
        spikes = spike_by_recency(potential, elapsed, self._alpha, self._beta)
        fired = tf.stop_gradient(spikes)
        return spikes, (potential - fired, elapsed * (1 - fired))


def _check(graph):
    inputs = [tensor.name for tensor in graph.model.inputs]
    if len(inputs) > 1:
        raise ConversionError(
            f"Model '{graph.model.name}' has the inputs {inputs}. Supported for"
            " training through time: one input. Calibrate with a pipeline of"
            " tfsnn.pipelines, which take several."
        )
    cells = [call.operation.cell for call in graph if is_spiking(call)]
    names = [
        call.name
        for call in graph
        if is_spiking(call)
        and not (call.operation.cell.kind.is_plain)
        or (is_spiking(call) and call.operation.cell.reset != "soft")
    ]
    if not cells or names:
        received = f"neurons {names}" if names else "no neurons"
        raise ConversionError(
            f"Model '{graph.model.name}' has {received}. Supported: spiking"
            " models of plain neurons with a soft reset. Convert with"
            " ConversionConfig(neuron='if', reset='soft')."
        )
