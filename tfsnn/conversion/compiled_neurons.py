"""The steps of a network's neurons, each compiled to few passes over memory.

Operation by operation, a neuron reads and writes its feature map at every
cast, addition, comparison and subtraction. XLA fuses them. Only the neurons
are compiled: on CPUs XLA's convolutions are slower than oneDNN's.
"""

from collections.abc import Callable, Hashable

import keras
import tensorflow as tf

from tfsnn.dynamics.integrate_and_fire import State
from tfsnn.layers import SpikingActivation

from .neuron_step import NeuronOutputs, neuron_step


class CompiledNeurons:
    """Computes what `neuron_step` computes, bit for bit.

    The bits are those of its operations one by one; TensorFlow's optimiser
    may add up several plain terms (current, bias, potential) in another order.
    Neurons that differ in their variables alone share one graph, which XLA
    compiles once for each batch size. The graphs live as long as this object.
    """

    def __init__(self):
        """Starts empty."""
        self._graphs: dict[Hashable, Callable] = {}

    def __len__(self) -> int:
        """Number of graphs."""
        return len(self._graphs)

    def __call__(
        self,
        layer: SpikingActivation,
        current: tf.Tensor,
        state: State,
        since: tf.Tensor,
        *,
        window: int | None,
        is_scaled: bool = False,
    ) -> NeuronOutputs:
        """See `neuron_step`."""
        variables = [tf.convert_to_tensor(v.value) for v in layer.variables]
        arguments = (current, state, since, variables)
        options = {"window": window, "is_scaled": is_scaled}
        specs = _specs(*arguments)
        key = (*_settings(layer), *options.values(), *tf.nest.flatten(specs))
        if key not in self._graphs:
            self._graphs[key] = _compiled(layer, options, specs)
        emitted, state, *spikes = self._graphs[key](*arguments)
        # The graph optimiser does not look for shapes inside of a compiled
        # function. It fuses what it knows to have the same shape.
        emitted = tf.reshape(emitted, tf.shape(current))
        if not spikes:
            spikes = [tf.cast(emitted, state[0].dtype)]
        return NeuronOutputs(emitted, *spikes, state)


def _compiled(layer, options, specs):
    """A graph of the neuron, its variables among the arguments."""

    def step(current, state, since, variables):
        given = zip(layer.variables, variables, strict=True)
        with keras.StatelessScope(state_mapping=given):
            outputs = neuron_step(layer, current, state, since, **options)
        # XLA computes a result anew for each use, so no result comes twice.
        spikes = () if _sends_spikes(layer) else (outputs.spikes,)
        return outputs.emitted, outputs.state, *spikes

    with tf.init_scope():
        return tf.function(
            step, input_signature=specs, autograph=False, jit_compile=True
        ).get_concrete_function()


def _specs(current, state, since, variables):
    """Signature for any batch size."""
    return (
        _any_batch(current),
        tuple(map(_any_batch, state)),
        tf.TensorSpec([], since.dtype),
        [tf.TensorSpec(x.shape, x.dtype) for x in variables],
    )


def _any_batch(tensor):
    return tf.TensorSpec([None, *tensor.shape[1:]], tensor.dtype)


def _sends_spikes(layer):
    """Whether it sends its spikes in thresholds, exact in every dtype."""
    cell = layer.cell
    return cell.spike_values == "unit" or cell.threshold_per is None


def _settings(layer):
    """All that a neuron's step depends on, but variables and shapes."""
    cell = layer.cell
    return (
        type(layer),
        type(cell),
        cell.kind,
        cell.threshold_per,
        cell.bias_per,
        cell.spike_values,
        cell.variable_dtype,
        layer.use_temporal_bias,
        layer.timesteps,
        layer.lag,
        layer.compute_dtype,
    )
