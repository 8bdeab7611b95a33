"""Single segments with something to calibrate."""

import keras
import numpy as np

from tests.support.networks import with_random_weights
from tfsnn.graph.segments import INPUT, NEURON, Segment
from tfsnn.numerics import response
from tfsnn.types import NeuronParameters

layers = keras.layers
SHAPE = (4, 4, 2)
T = 4


def segment(*functions, shapes=(SHAPE,), join=layers.Add):
    """One function from tensor to tensor a source; their outputs are added."""
    inputs = [keras.Input(shape) for shape in shapes]
    outputs = [f(x) for f, x in zip(functions, inputs, strict=True)]
    current = outputs[0] if len(outputs) == 1 else join()(outputs)
    model = keras.Model(inputs[0] if len(inputs) == 1 else inputs, current)
    with_random_weights(model, np.random.default_rng(0))
    sources = (INPUT, "first", "second")[: len(inputs)]
    return Segment("relu", NEURON, sources, model)


def conv(**arguments):
    """A segment of one convolution."""
    arguments = {"padding": "same", "name": "conv", **arguments}
    return segment(layers.Conv2D(3, 3, **arguments))


def inputs_of(segment, count=16, seed=1):
    """Mean inputs `[N, ...]` float32, one a source, not negative."""
    rng = np.random.default_rng(seed)
    return [
        np.abs(rng.normal(size=(count, *tensor.shape[1:]))).astype("float32")
        for tensor in segment.model.inputs
    ]


def current_of(segment, inputs, parameters=None):
    """The current in NumPy, with the bias and the weights of the parameters."""
    model = segment.model
    weights = parameters.weights if parameters is not None else None
    if weights:
        model = keras.models.clone_model(model)
        model.set_weights(segment.model.get_weights())
        for name, values in weights.items():
            model.get_layer(name).set_weights(values)
    current = np.asarray(model(inputs[0] if len(inputs) == 1 else inputs))
    if parameters is not None and parameters.bias is not None:
        current = current + parameters.bias
    return current


def neuron_of(target, per="channel"):
    """A neuron that rounds and clips the largest activations."""
    axes = None if per == "layer" else tuple(range(target.ndim - 1))
    threshold = (0.8 * target.max(axis=axes) + 1e-3).astype("float32")
    return NeuronParameters(threshold, threshold / 2)


def error_of(segment, inputs, target, parameters, rounding="neuron"):
    """Squared error of the closed form, `[N, ...]`, in NumPy."""
    potential = parameters.initial_potential if rounding == "neuron" else 0.0
    output = response(
        current_of(segment, inputs, parameters),
        parameters.threshold,
        T,
        potential,
    )
    return np.square(output.astype("float64") - target)


def loss_of(*arguments, **options):
    """Sum over channels of the mean squared error over all else."""
    error = error_of(*arguments, **options)
    return error.mean(axis=tuple(range(error.ndim - 1))).sum()
