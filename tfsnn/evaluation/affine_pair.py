"""The segments of an analog network, with its weights and with the spiking's.

Means over time go through affine layers as images do, so that the mean current
of a spiking neuron is that of an ordinary layer on the means before it.
"""

import dataclasses
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from tfsnn.conversion import Conversion
from tfsnn.conversion.check import is_head, is_neuron
from tfsnn.errors import ConversionError
from tfsnn.graph.rewrite import rewrite, unchanged
from tfsnn.graph.segments import Segment, cut

from .runners import compiled

Affine = Callable[..., np.ndarray]


@dataclasses.dataclass(frozen=True, eq=False)
class AffinePair:
    """One segment.

    Attributes:
        segment: Of the analog network.
        analog: Its sources' outputs `[B, ...]` to the current `[B, ...]`.
        spiking: The same with the weights of the spiking network.
    """

    segment: Segment
    analog: Affine
    spiking: Affine

    @property
    def name(self) -> str:
        """Name of the segment."""
        return self.segment.name

    def activate(self, current: np.ndarray) -> np.ndarray:
        """What the analog neuron answers; the current where there is none."""
        if self.segment.neuron is None:
            return current
        return np.asarray(self.segment.neuron.operation(current))

    def linear(self, *sources: np.ndarray) -> np.ndarray:
        """The analog affine part without its offset."""
        nothing = [np.zeros_like(source[:1]) for source in sources]
        return self.analog(*sources) - self.analog(*nothing)


def affine_pairs(
    conversion: Conversion, spiking: keras.Model
) -> list[AffinePair]:
    """Cuts the analog network, and pairs each segment with its spiking form.

    Args:
        conversion: The analog network, prepared.
        spiking: A spiking model that was made from it.

    Returns:
        One pair a segment, in topological order.

    Raises:
        ConversionError: If the model was not made from it, or its spikes are
            of {0, 1}, whose weights are in other units.
    """
    _check(conversion, spiking)
    copy = rewrite(conversion.graph, unchanged)
    for layer in copy.model.layers:
        if layer.weights:
            layer.set_weights(spiking.get_layer(layer.name).get_weights())
    cuts = [
        cut(graph, is_neuron=is_neuron, is_head=is_head)
        for graph in (conversion.graph, copy)
    ]
    return [_pair(*segments) for segments in zip(*cuts, strict=True)]


def _pair(first, second):
    """One function for both where calibration left the weights alone."""
    analog = _function(first.model)
    weights = first.model.get_weights(), second.model.get_weights()
    if all(map(np.array_equal, *weights)):
        return AffinePair(first, analog, analog)
    return AffinePair(first, analog, _function(second.model))


def _function(model):
    specs = [
        tf.TensorSpec([None, *tensor.shape[1:]], tensor.dtype)
        for tensor in model.inputs
    ]

    def affine(*sources):
        arguments = sources[0] if len(sources) == 1 else list(sources)
        return model(arguments, training=False)

    graph = compiled(affine, specs)

    def run(*sources):
        pairs = zip(sources, specs, strict=True)
        return graph(*(tf.cast(x, spec.dtype) for x, spec in pairs)).numpy()

    run.model = model  # Holds the variables.
    return run


def _check(conversion, spiking):
    neurons = [layer for layer in spiking.layers if hasattr(layer, "cell")]
    names = [layer.name for layer in neurons]
    expected = conversion.neuron_names
    layers = {layer.name: layer for layer in spiking.layers}
    differing = [
        layer.name
        for layer in conversion.analog.layers
        if layer.weights
        and _shapes(layer)
        != [
            tuple(w.shape)
            for w in getattr(layers.get(layer.name), "weights", [])
        ]
    ]
    unit = any(layer.cell.spike_values == "unit" for layer in neurons)
    if sorted(names) != sorted(expected):
        received = f"neurons {names} beside those of the reference, {expected}"
    elif unit:
        received = "spikes of {0, 1}, with thresholds in its weights"
    elif differing:
        received = f"other weights than the reference in {differing}"
    else:
        return
    raise ConversionError(
        f"Model '{spiking.name}' has {received}. Supported: a spiking model"
        " with spikes worth a threshold, and the network it was made from, or"
        " its Conversion if that has options. Calibrate with"
        " spikes='threshold', and pass the source."
    )


def _shapes(layer):
    return [tuple(w.shape) for w in getattr(layer, "weights", ())]
