"""What a spiking network would take: memory from shapes, time from one run."""

import dataclasses
import math
import time
from collections.abc import Iterable

import keras
import tensorflow as tf

from tfsnn.dynamics.neuron_kind import NeuronKind
from tfsnn.graph.arguments import arguments
from tfsnn.graph.passes.max_pools import is_max_pool
from tfsnn.graph.view import Graph, symbolic_tensors
from tfsnn.inputs import each
from tfsnn.layers.timesteps import checked_timesteps

from .check import is_neuron
from .verify import probe_images

CALIBRATION_IMAGES = 1024
_IMAGES = 8


@dataclasses.dataclass(frozen=True)
class Estimate:
    """Memory and time for one T; batch size 1, float32.

    Times are those of one run of the analog network on this machine, times
    the number of passes; they are good for an order of magnitude.

    Attributes:
        timesteps: T.
        weight_bytes: Of the prepared network.
        folded_bytes: Most bytes of feature maps alive at once for one image,
            with all T steps at once.
        stepping_bytes: The same step by step, with potentials and totals.
        analog_seconds: One image through the analog network, measured.
        spiking_seconds: One image with a time axis: T times that.
        count_seconds: One image by spike counts (two-phase): once that.
        calibration_seconds: `light`, 1,024 images, this T: T + 2 passes.
    """

    timesteps: int
    weight_bytes: int
    folded_bytes: int | None
    stepping_bytes: int | None
    analog_seconds: float
    spiking_seconds: float
    count_seconds: float
    calibration_seconds: float

    def to_dict(self) -> dict:
        """Plain types."""
        return dataclasses.asdict(self)


def estimate(graph: Graph, timesteps: int, *, kind: NeuronKind) -> Estimate:
    """Estimates what a prepared network takes at one T.

    Args:
        graph: The prepared network; it is run on random images.
        timesteps: T.
        kind: Kind of neuron.

    Returns:
        The estimate; memory is None where feature maps have unknown axes.

    Raises:
        ValueError: If T is below 1.
    """
    timesteps = checked_timesteps(timesteps)
    peak = _peak(graph)
    stepping = None if peak is None else 4 * (peak + _state(graph, kind))
    seconds = _seconds(graph.model)
    return Estimate(
        timesteps=timesteps,
        weight_bytes=4 * graph.model.count_params(),
        folded_bytes=None if peak is None else 4 * timesteps * peak,
        stepping_bytes=stepping,
        analog_seconds=seconds,
        spiking_seconds=timesteps * seconds,
        count_seconds=seconds,
        calibration_seconds=CALIBRATION_IMAGES * (timesteps + 2) * seconds,
    )


def _peak(graph: Graph) -> int | None:
    """Most numbers alive at once while the calls run in order."""
    last_use = {}
    for number, call in enumerate(graph):
        for tensor in call.input_tensors:
            last_use[id(tensor)] = number
    for tensor in symbolic_tensors(graph.model.outputs):
        last_use[id(tensor)] = len(graph.calls)
    alive = {id(t): _size(t) for t in graph.model.inputs}
    peak = 0
    for number, call in enumerate(graph):
        alive.update((id(t), _size(t)) for t in call.output_tensors)
        if None in alive.values():
            return None
        peak = max(peak, sum(alive.values()))
        for tensor in [*call.input_tensors, *call.output_tensors]:
            if last_use.get(id(tensor), number) <= number:
                alive.pop(id(tensor), None)
    return peak


def _state(graph: Graph, kind: NeuronKind) -> int:
    """Numbers that are carried from step to step."""
    return sum(
        kind.num_states * _size(call.outputs)
        if is_neuron(call)
        else _size(call.input_tensors[0]) + _size(call.outputs)
        for call in graph
        if is_neuron(call) or is_max_pool(call.operation)
    )


def _size(tensor: keras.KerasTensor) -> int | None:
    shape: Iterable = tensor.shape[1:]
    return None if None in shape else math.prod(shape)


def _seconds(model: keras.Model) -> float:
    """Seconds for one image; the first run, which compiles, is not counted."""
    images = each(tf.constant, probe_images(model, num_images=_IMAGES))
    run = tf.function(
        lambda batch: model(arguments(model, batch), training=False)
    )
    spent = []
    for _ in range(3):
        start = time.perf_counter()
        for output in keras.tree.flatten(run(images)):
            keras.ops.convert_to_numpy(output)
        spent.append(time.perf_counter() - start)
    return min(spent) / _IMAGES
