"""A segment with weights of its own, which can be trained."""

import keras
import numpy as np
import tensorflow as tf

from tfsnn.conversion.rules import KERNEL_LAYERS
from tfsnn.graph.segments import Segment
from tfsnn.types import NeuronParameters


class SegmentCopy:
    """Computes what a segment and its neuron's parameters say.

    The layers of a segment belong to its conversion: their variables are read
    once and never written.

    Attributes:
        dtype: `"float32"`, or `"float64"` if the segment computes in that.
        kernels: What is trained of the layers: one variable for each kernel
            that is not fixed. Layers keep their biases; a bias in front of the
            neuron is the neuron's.
        variables: The kernels, and the bias and the logarithm of the threshold
            where they are trained.
    """

    def __init__(
        self,
        segment: Segment,
        parameters: NeuronParameters,
        *,
        fixed: frozenset[str] = frozenset(),
        train_bias: bool = False,
        train_threshold: bool = False,
    ):
        """Copies the weights.

        Args:
            segment: The segment.
            parameters: Of its neuron; their weights come before the layers'.
            fixed: Names of layers that are not trained.
            train_bias: Whether the neuron's bias is trained.
            train_threshold: Whether its threshold is.
        """
        self._model = segment.model
        self._before = parameters
        float64 = segment.model.outputs[0].dtype == "float64"
        self.dtype = "float64" if float64 else "float32"
        self.kernels: list[keras.Variable] = []
        self._starts: list[tf.Tensor] = []
        self._values: dict[int, keras.Variable | tf.Tensor] = {}
        self._trained_layers: list[keras.Layer] = []
        for layer in segment.model.layers:
            self._copy_weights(layer, layer.name in fixed)
        self.variables = list(self.kernels)
        self._threshold = self._constant(parameters.threshold)
        self._potential = self._constant(parameters.initial_potential)
        self._copy_bias(train_bias)
        self._log_scale = None
        if train_threshold:
            zeros = np.zeros(np.shape(parameters.threshold))
            self._log_scale = self._variable(zeros, "log_scale")
            self.variables.append(self._log_scale)

    def current(self, sources: list[tf.Tensor]) -> tf.Tensor:
        """Current of the neuron, with its bias.

        Args:
            sources: Mean outputs of the sources, `[B, ...]` each.

        Returns:
            `[B, ..., C]`, in `dtype`.
        """
        inputs = [
            tf.cast(source, tensor.dtype)
            for source, tensor in zip(sources, self._model.inputs, strict=True)
        ]
        current, _ = self._model.stateless_call(
            [self._value(v) for v in self._model.trainable_variables],
            [self._value(v) for v in self._model.non_trainable_variables],
            inputs[0] if len(inputs) == 1 else inputs,
            training=False,
        )
        current = tf.cast(current, self.dtype)
        if self._bias is not None:
            current += tf.convert_to_tensor(self._bias)
        if self._before.temporal_bias is not None:
            mean = np.mean(self._before.temporal_bias, axis=0)
            current += self._constant(mean)
        return current

    def neuron(self) -> tuple[tf.Tensor, tf.Tensor]:
        """Threshold and initial potential; their ratio is never changed."""
        if self._log_scale is None:
            return self._threshold, self._potential
        scale = tf.exp(self._log_scale.value)
        return self._threshold * scale, self._potential * scale

    def change(self) -> tf.Tensor:
        """Mean squared change of each kernel over its mean square, summed.

        Not over its variance: a kernel made from a pool has none.
        """
        changes = [tf.zeros([], self.dtype)]
        for kernel, start in zip(self.kernels, self._starts, strict=True):
            square = tf.reduce_mean(tf.square(start))
            change = tf.reduce_mean(tf.square(kernel.value - start))
            changes.append(tf.math.divide_no_nan(change, square))
        return tf.add_n(changes)

    def masked(self, gradients: list[tf.Tensor]) -> list[tf.Tensor]:
        """Gradients of `variables`, 0 for weights that are 0 at the start."""
        number = len(self.kernels)
        kernels = [
            tf.where(start != 0, gradient, tf.zeros_like(gradient))
            for gradient, start in zip(
                gradients[:number], self._starts, strict=True
            )
        ]
        return kernels + gradients[number:]

    def snapshot(self) -> list[np.ndarray]:
        """Values of `variables`."""
        return [keras.ops.convert_to_numpy(v) for v in self.variables]

    def restore(self, snapshot: list[np.ndarray]) -> None:
        """Sets `variables` to a `snapshot`."""
        for variable, value in zip(self.variables, snapshot, strict=True):
            variable.assign(value)

    def parameters(self) -> NeuronParameters:
        """The neuron's parameters with what is trained in them."""
        changes = {"weights": dict(self._before.weights or {})}
        for layer in self._trained_layers:
            changes["weights"][layer.name] = tuple(
                self._value(variable).numpy() for variable in layer.weights
            )
        if isinstance(self._bias, keras.Variable):
            changes["bias"] = _float32(self._bias.value)
        if self._log_scale is not None:
            threshold, potential = map(_float32, self.neuron())
            changes["threshold"] = threshold
            changes["initial_potential"] = potential
        return self._before.replace(**changes)

    def _copy_weights(self, layer, fixed):
        weights = (self._before.weights or {}).get(layer.name)
        weights = layer.get_weights() if weights is None else weights
        trained = isinstance(layer, KERNEL_LAYERS) and not fixed
        for variable, weight in zip(layer.weights, weights, strict=True):
            if trained and _is_kernel(variable):
                kernel = self._variable(weight, variable.name)
                self.kernels.append(kernel)
                self._starts.append(self._constant(weight))
                self._values[id(variable)] = kernel
                if layer not in self._trained_layers:
                    self._trained_layers.append(layer)
            else:
                value = tf.convert_to_tensor(weight, variable.dtype)
                self._values[id(variable)] = value

    def _copy_bias(self, trained):
        bias = self._before.bias
        if trained:
            channels = self._model.outputs[0].shape[-1]
            start = np.zeros(channels) if bias is None else bias
            self._bias = self._variable(start, "bias")
            self.variables.append(self._bias)
        else:
            self._bias = None if bias is None else self._constant(bias)

    def _value(self, variable):
        """What the model sees instead of one of its variables."""
        value = self._values.get(id(variable), variable)
        if isinstance(value, tf.Tensor):
            return value
        return tf.cast(value.value, variable.dtype)

    def _variable(self, value, name):
        return keras.Variable(value, dtype=self.dtype, name=name)

    def _constant(self, value):
        return tf.cast(value, self.dtype)


def _is_kernel(variable):
    # `lora_kernel_a` and the integers of a quantised kernel are none.
    floating = "float" in keras.backend.standardize_dtype(variable.dtype)
    return floating and variable.name.endswith("kernel")


def _float32(values):
    return np.asarray(values, "float32")
