"""Large T: how near a network comes to the analog one in its count form."""

import keras
import numpy as np

from tfsnn.conversion import Conversion
from tfsnn.conversion.check import is_neuron
from tfsnn.types import NeuronParameters

T = 65_536


def logits_model(model: keras.Model) -> keras.Model:
    """The model without a last softmax, which would hide differences."""
    last = model.layers[-1]
    if isinstance(last, (keras.layers.Activation, keras.layers.Softmax)):
        return keras.Model(model.input, last.input)
    return keras.Model(model.input, model.outputs[0])


def largest_as_thresholds(conversion: Conversion, images: np.ndarray) -> dict:
    """Neuron name to parameters with the channel's largest activation."""
    neurons = [call for call in conversion.graph if is_neuron(call)]
    model = keras.Model(
        conversion.analog.input, [call.outputs for call in neurons]
    )
    activations = keras.tree.flatten(model(images, training=False))
    parameters = {}
    for call, values in zip(neurons, activations, strict=True):
        axes = tuple(range(len(values.shape) - 1))
        threshold = np.maximum(np.max(values, axis=axes), 1e-6)
        parameters[call.name] = NeuronParameters(threshold, threshold / 2)
    return parameters


def count_error(conversion: Conversion, images: np.ndarray) -> float:
    """Relative L2 error of the logits at T = 65,536, two-phase.

    Relative to how they differ between the images.
    """
    spiking = conversion.count_model(
        T, parameters=largest_as_thresholds(conversion, images)
    )
    analog, counted = (
        np.asarray(logits_model(model)(images, training=False), "float64")
        for model in (conversion.analog, spiking)
    )
    # Of what tells the images apart; else a network that ignores them is right.
    return np.linalg.norm(analog - counted) / np.linalg.norm(
        analog - analog.mean(axis=0)
    )
