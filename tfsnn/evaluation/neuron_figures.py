"""What figures 1 and 2 of the paper need, for a network of one's own."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from tfsnn.conversion import Conversion, convert
from tfsnn.graph.arguments import arguments
from tfsnn.inputs import input_shapes
from tfsnn.layers import SpikingActivation
from tfsnn.numerics.thresholds import SortedActivations

from .first_images import first_images

NUM_IMAGES = 32
TIMESTEPS = (2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048)


def chosen(names: Sequence[str], count: int = 3) -> list[str]:
    """A few of many, evenly spread, the first and the last among them.

    Args:
        names: All names.
        count: How many, at least 2.

    Returns:
        Up to `count` of them, in order.
    """
    places = np.linspace(0, len(names) - 1, min(count, len(names)))
    return [names[place] for place in sorted(set(places.round().astype(int)))]


def threshold_curves(
    reference: keras.Model | Conversion,
    images: Any,
    *,
    num_images: int = NUM_IMAGES,
    timesteps: Sequence[int] = TIMESTEPS,
) -> list[dict]:
    """Thresholds of three criteria against T (Figure 2), one a layer.

    Args:
        reference: The analog network, or its `Conversion`.
        images: As in `diagnose`.
        num_images: Images whose activations are looked at.
        timesteps: Every T.

    Returns:
        For a few layers, evenly spread, plain types: `layer`, `timesteps`,
        and of each criterion a threshold in activation units: `maximum` and
        `percentile` (99.9), which know no T, and `mmse`, one a T.

    References:
        Li et al., A Free Lunch From ANN, ICML 2021, Eq. 11, Figure 2.
    """
    if not isinstance(reference, Conversion):
        reference = convert(reference)
    names = chosen(reference.neuron_names)
    outputs = {
        call.name: call.outputs
        for call in reference.graph
        if call.name in names
    }
    data = first_images(
        images,
        input_shape=input_shapes(reference.analog),
        num_images=num_images,
    )
    tapped = keras.Model(reference.analog.inputs, outputs)
    activations = tapped.predict(
        arguments(tapped, data), batch_size=num_images, verbose=0
    )
    rows = []
    for name in names:
        values = SortedActivations(activations[name], "layer")
        rows.append(
            {
                "layer": name,
                "timesteps": list(timesteps),
                "maximum": float(values.maximum()),
                "percentile": float(values.percentile()),
                "mmse": [
                    float(values.mmse(T, rounding="floor")) for T in timesteps
                ],
            }
        )
    return rows


def neuron_samples(model: keras.Model) -> list[dict]:
    """One neuron of a few layers, for its response (Figure 1).

    Args:
        model: A spiking model.

    Returns:
        Plain types: `layer`, `channel`, `timesteps`, and in activation units
        `threshold`, `initial_potential` and `bias` of the channel with the
        middle threshold; `levels` and `levels_per_threshold` of its kind.
    """
    neurons = {
        layer.name: layer
        for layer in model.layers
        if isinstance(layer, SpikingActivation)
    }
    return [_sample(neurons[name]) for name in chosen(list(neurons))]


def _sample(layer):
    cell = layer.cell
    threshold = np.asarray(cell.threshold, "float64").reshape(-1)
    place = int(np.argsort(threshold)[len(threshold) // 2])
    quantiser = cell.kind.quantiser(layer.timesteps)

    def at(values):
        values = np.asarray(values, "float64")
        values = values.reshape(-1)
        return float(values[place % len(values)])

    return {
        "layer": layer.name,
        "channel": place if len(threshold) > 1 else None,
        "timesteps": layer.timesteps,
        "threshold": float(threshold[place]),
        "initial_potential": at(cell.initial_potential),
        "bias": 0.0 if cell.bias is None else at(cell.bias),
        "levels": quantiser.num_levels,
        "levels_per_threshold": quantiser.levels_per_threshold,
    }
