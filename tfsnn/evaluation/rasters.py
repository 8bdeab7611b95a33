"""Which neuron fired when: spike rasters of one image."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfsnn.conversion.stepping import SteppingForm
from tfsnn.inputs import each, input_shapes

from .checks import check_positive
from .first_images import first_images
from .neuron_figures import chosen
from .runners import compiled

NUM_LAYERS, NUM_NEURONS, MOST_STEPS = 4, 32, 512


def spike_rasters(
    model: keras.Model,
    images: Any,
    *,
    neurons: dict[str, list[int]] | None = None,
    num_steps: int = MOST_STEPS,
) -> list[dict]:
    """Records single spikes for the first image.

    Args:
        model: A spiking model.
        images: As in `diagnose`; the first one is used.
        neurons: Name of a layer to indices into its flattened feature map;
            None: evenly spread ones of a few layers.
        num_steps: Steps recorded at most, from the first one.

    Returns:
        Plain types, one row a layer: `layer`, `neurons` (indices), `steps`
        (steps recorded), and `spikes`, pairs of place in `neurons` and step.

    Raises:
        ConversionError: If it is no spiking model, or has unknown axes.
        ValueError: If a layer or a neuron is not there.
    """
    check_positive("num_steps", num_steps)
    form = SteppingForm(model)
    sizes = {
        call.name: int(np.prod(call.outputs.shape[1:]))
        for call in form.timetable.neurons
    }
    neurons = _spread(sizes) if neurons is None else neurons
    _check(neurons, sizes)
    data = first_images(images, input_shape=input_shapes(model), num_images=1)
    steps = min(form.latency_steps, num_steps)
    run = compiled(
        lambda images: _recorded(form, images, neurons, steps),
        [each(lambda x: tf.TensorSpec(x.shape, x.dtype), data)],
    )
    found = run(each(tf.convert_to_tensor, data))
    rows = []
    for name, places in neurons.items():
        fired = np.argwhere(found[name].numpy() != 0)
        pairs = [[int(place), int(step)] for step, place in fired]
        row = {"layer": name, "neurons": list(places), "steps": steps}
        rows.append({**row, "spikes": pairs})
    return rows


def _recorded(form, images, neurons, steps):
    constants = form.prelude(images)

    def update(step, readouts, spikes, trains):
        recorded = {}
        for name, places in neurons.items():
            flat = tf.reshape(spikes[name], [-1])
            row = tf.cast(tf.gather(flat, places), tf.float32)
            inside = tf.cast(tf.one_hot(step, steps), tf.float32)
            recorded[name] = trains[name] + inside[:, None] * row
        return recorded

    nothing = {
        name: tf.zeros([steps, len(places)]) for name, places in neurons.items()
    }
    return form.over_time(constants, update, nothing, batch_size=1)


def _spread(sizes):
    found = {}
    for name in chosen(list(sizes), NUM_LAYERS):
        count = min(NUM_NEURONS, sizes[name])
        places = np.linspace(0, sizes[name] - 1, count)
        found[name] = sorted({int(place) for place in places.round()})
    return found


def _check(neurons, sizes):
    wrong = [name for name in neurons if name not in sizes]
    wrong += [
        f"{name}[{place}]"
        for name, places in neurons.items()
        if name in sizes
        for place in places
        if not 0 <= place < sizes[name]
    ]
    if wrong:
        raise ValueError(
            f"neurons={wrong} are not in this network. Supported: indices into"
            f" the flattened feature maps of {sizes} neurons. Choose from"
            " these."
        )
