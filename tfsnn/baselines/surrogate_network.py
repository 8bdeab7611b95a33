"""A spiking network that gradients pass through, time included."""

import math

import keras
import tensorflow as tf

from tfsnn.conversion.single_step import applied, store
from tfsnn.conversion.timetable import is_spiking
from tfsnn.dynamics.integrate_and_fire import (
    State,
    charge,
    fire_soft_reset,
)
from tfsnn.dynamics.surrogate import train_by_recency
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
    of a spike differs, see `train_by_recency`. That of the reset is 0, as in
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
            alpha: See `train_by_recency`.
            beta: See `train_by_recency`.

        Raises:
            TypeError: If it is not a Keras 3 model.
            ConversionError: If it has no neurons or others, takes images of
                any size, or has weights in half precision.
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

        Of every neuron at every step time since the last spike and output are
        kept, and as much again was seen to be in use at the same time.
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
        """The folded train of a layer, with its surrogate gradient."""
        cell = layer.cell
        if layer.temporal_input:
            current = unfold(current, layer.timesteps)
            current = cell.scaled_current(current)
            charged = tf.cumsum(current)
        else:
            current = cell.scaled_current(current)[tf.newaxis]
            shape = [layer.timesteps] + [1] * (len(current.shape) - 1)
            steps = tf.range(1, layer.timesteps + 1)
            charged = current * tf.reshape(tf.cast(steps, current.dtype), shape)
        if layer.lag:  # Decided later, on what has come until then.
            last = tf.range(layer.timesteps) + layer.lag
            last = tf.minimum(last, layer.timesteps - 1)
            charged = tf.gather(charged, last)
        train, elapsed = _run(layer, tf.stop_gradient(current))
        train = train_by_recency(
            train, elapsed, charged, self._alpha, self._beta
        )
        return fold(tf.cast(cell.emitted(train), layer.compute_dtype))


def _run(
    layer: SpikingActivation, current: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Spikes and steps since the last one before, `[T, B, ...]` each.

    Args:
        layer: Of plain neurons with a soft reset.
        current: `[T, B, ...]`, or `[1, B, ...]` for the same at every step, in
            thresholds.
    """
    cell = layer.cell

    def fire(state: State, step) -> tuple[tf.Tensor, State]:
        potential, elapsed = state
        if layer.temporal_bias is not None:
            extra = tf.gather(layer.temporal_bias.value, step)
            (potential,) = charge((potential,), cell.in_thresholds(extra))
        elapsed = elapsed + 1
        spikes, (potential,) = fire_soft_reset((potential,))
        # One number says both: below 0 where the neuron fires.
        signed = tf.where(spikes > 0, -elapsed, elapsed)
        return signed, (potential, elapsed * (1 - spikes))

    shape = tf.shape(current)[1:]
    (potential,) = cell.initial_state(shape)
    signed, _ = scan(
        lambda step: current[step if layer.temporal_input else 0],
        (potential, tf.fill(shape, tf.cast(NEVER, potential.dtype))),
        fire,
        timesteps=layer.timesteps,
        lag=layer.lag,
    )
    return tf.cast(signed < 0, potential.dtype), tf.abs(signed)


def _check(graph):
    inputs = [tensor.name for tensor in graph.model.inputs]
    if len(inputs) > 1:
        raise ConversionError(
            f"Model '{graph.model.name}' has the inputs {inputs}. Supported for"
            " training through time: one input. Calibrate with a pipeline of"
            " tfsnn.pipelines, which take several."
        )
    shape = graph.model.inputs[0].shape[1:]
    if None in shape:
        raise ConversionError(
            f"Model '{graph.model.name}' takes inputs {tuple(shape)}. Supported"
            " for training through time: one known size. Build the network for"
            " the size of the images."
        )
    half = {
        variable.dtype
        for variable in graph.model.trainable_variables
        if variable.dtype in ("float16", "bfloat16")
    }
    if half:
        raise ConversionError(
            f"Model '{graph.model.name}' has weights in {', '.join(half)}."
            " Supported for training through time: float32, also with a mixed"
            " policy, and float64. Steps of training are lost in fewer bits."
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
