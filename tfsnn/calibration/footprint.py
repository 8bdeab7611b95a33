"""What a calibration holds in memory, known from the shapes alone."""

import math
from collections.abc import Mapping, Sequence

from tfsnn.conversion import Conversion
from tfsnn.conversion.check import is_head, is_neuron
from tfsnn.conversion.lags import Lag
from tfsnn.graph.segments import JUNCTION, NEURON, Segment, cut, is_input

from .fronts import num_readers
from .record import lag_at
from .spike_store import steps_per_byte
from .two_phase import is_two_phase

BYTES = 4
"""Of an activation, or a mean over time, in float32."""


def held_bytes(
    conversion: Conversion,
    num_images: int,
    timesteps: Sequence[int],
    lag: Lag | None = None,
) -> int | None:
    """Bytes that `calibrate` holds at its fullest, at the least.

    Counted are the activations of the analog front, with those that a segment
    has just answered, and the spikes of every spiking front (means over time
    where it is two-phase), each until its last reader; besides them the
    current of the widest neurons for one image. Not counted are the images,
    temporary storage, kept currents and what single steps of a pipeline need.

    Args:
        conversion: Of the network.
        num_images: N.
        timesteps: Every T.
        lag: As in `SweepConfig`.

    Returns:
        A lower bound; None of a network for images of any size.
    """
    graph, kind = conversion.graph, conversion.config.kind
    segments = cut(graph, is_neuron=is_neuron, is_head=is_head)
    # Read-outs are held only by pipelines that have a step for them.
    segments = [s for s in segments if s.role in (NEURON, JUNCTION)]
    shapes = {s.name: s.model.outputs[0].shape[1:] for s in segments}
    if any(None in shape for shape in shapes.values()):
        return None
    sizes = {name: math.prod(shape) for name, shape in shapes.items()}
    # Two-phase networks are calibrated on means, without a time axis.
    spiking = [
        T
        for T in timesteps
        if not is_two_phase(segments, lag_at(lag, T, kind), T, kind)
    ]
    emitted = BYTES * (len(timesteps) - len(spiking))
    emitted += sum(-(-T // steps_per_byte(kind.bits)) for T in spiking)
    widest = max((sizes[s.name] for s in segments if s.neuron), default=0)
    current = max(spiking, default=1) * widest * BYTES
    return num_images * _fullest(segments, sizes, emitted) + current


def _fullest(
    segments: Sequence[Segment], sizes: Mapping[str, int], emitted: int
) -> int:
    """Bytes an image at the fullest moment; of a neuron all T emit some."""
    left = num_readers(list(segments))
    live: dict[str, int] = {}
    fullest = 0
    for segment in segments:
        activations = sizes[segment.name] * BYTES
        fullest = max(fullest, sum(live.values()) + activations)
        if left[segment.name]:
            spikes = sizes[segment.name] * emitted if segment.neuron else 0
            live[segment.name] = activations + spikes
        for source in segment.sources:
            left[source] -= 1
            if not left[source] and not is_input(source):
                live.pop(source)
    return fullest
