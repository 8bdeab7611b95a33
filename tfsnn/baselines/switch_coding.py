"""Temporal switch coding: spike trains as switches on and off.

A train s[t] of {0, theta} is sent as its changes, e[t] = s[t] - s[t-1]: one
event where a run of spikes begins, one of the other sign where it ends. The
receiver adds each event, times its weight, to a running current and integrates
that at every step. The running current is the sum of all events so far, and so
the current that the spikes would have brought: outputs and accuracy are those
of the same network with plain spikes, the events are others.

Han and Roy send a value as two spikes of opposite sign, whose interval is the
value. Of a train whose spikes are one run, these are the two events; that
trains of several runs are sent run by run is our reading for the neurons behind
the input.
"""

import dataclasses
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfsnn.conversion.stepping import SteppingForm, batch_size_of
from tfsnn.errors import ConversionError
from tfsnn.evaluation.checks import check_positive
from tfsnn.evaluation.first_images import first_images
from tfsnn.evaluation.runners import compiled, images_spec
from tfsnn.inputs import count_images, each, in_batches, input_shapes

BATCH = 32


@dataclasses.dataclass(frozen=True)
class SwitchActivity:
    """What the neurons of one layer send, a mean over neurons and images.

    Attributes:
        name: Name of the layer.
        spikes: Spikes of a neuron for one image.
        switches: Events of the same train in temporal switch coding.
    """

    name: str
    spikes: float
    switches: float


def switch_activity(
    model: keras.Model, images: Any, *, num_images: int = 64
) -> list[SwitchActivity]:
    """Counts what temporal switch coding would send instead of spikes.

    Args:
        model: A spiking model with plain neurons, as `rmp()` makes it.
        images: Images in any form that `evaluate` takes.
        num_images: Images used, the first so many.

    Returns:
        One row a neuron layer.

    Raises:
        ConversionError: If the model is no spiking one, or has other neurons.
        DataError: If the images do not fit.
        ValueError: If `num_images` is below 1.

    References:
        Han, Roy, Deep Spiking Neural Network: Energy Efficiency Through Time
        based Coding, ECCV 2020. It has the soft reset, too; what is simplified
        here is that the image is a constant current instead of a pair of
        switches.

    Example:
        >>> for row in baselines.switch_activity(result[64], images):
        ...     print(row.name, row.switches / row.spikes)
    """
    check_positive("num_images", num_images)
    form = SteppingForm(model)
    _check(form)
    data = first_images(
        images, input_shape=input_shapes(form.model), num_images=num_images
    )
    run = compiled(
        lambda batch: _counted(form, batch), [images_spec(form.model.inputs)]
    )
    count = count_images(data)
    totals = {call.name: np.zeros(2) for call in form.timetable.neurons}
    for batch in in_batches(data, BATCH):
        for name, pair in run(each(tf.convert_to_tensor, batch)).items():
            totals[name] += pair.numpy()
    return [
        SwitchActivity(call.name, *(totals[call.name] / _size(call, count)))
        for call in form.timetable.neurons
    ]


def _counted(form: SteppingForm, images: Any) -> dict[str, tf.Tensor]:
    """Spikes and switches of each layer, over all images, `[2]` float64."""
    batch_size = batch_size_of(images)

    def update(step, readouts, spikes, state):
        found = {}
        for name, (previous, counts) in state.items():
            fires = spikes[name] != 0
            both = (fires, fires != previous)
            found[name] = fires, counts + tf.stack([_count(x) for x in both])
        return found

    nothing = {
        call.name: (
            tf.zeros([batch_size, *call.outputs.shape[1:]], tf.bool),
            tf.zeros([2], tf.float64),
        )
        for call in form.timetable.neurons
    }
    state = form.over_time(
        form.prelude(images), update, nothing, batch_size=batch_size
    )
    # What is still on is switched off at the end.
    return {
        name: counts + tf.stack([tf.zeros([], tf.float64), _count(still_on)])
        for name, (still_on, counts) in state.items()
    }


def _count(events: tf.Tensor) -> tf.Tensor:
    return tf.cast(tf.math.count_nonzero(events), tf.float64)


def _size(call, count: int) -> float:
    return float(count * np.prod(call.outputs.shape[1:]))


def _check(form: SteppingForm) -> None:
    other = [
        call.name
        for call in form.timetable.neurons
        if not call.operation.cell.kind.is_plain
    ]
    if other:
        raise ConversionError(
            f"Received neurons {other}, which send more than one kind of spike."
            " Supported: plain neurons. Convert with the default neuron."
        )
