"""What a calibration holds in memory, known from the shapes alone."""

import dataclasses
import math
from collections.abc import Sequence

import tensorflow as tf

from tfsnn.conversion import Conversion
from tfsnn.conversion.check import is_head, is_neuron
from tfsnn.conversion.lags import Lag
from tfsnn.dynamics.neuron_kind import NeuronKind
from tfsnn.graph.segments import JUNCTION, NEURON, Segment, cut, is_input

from .fronts import num_readers
from .record import lag_at
from .spike_store import steps_per_byte
from .two_phase import is_two_phase, temporal_neurons

BYTES = 4
"""Of what has no time axis and is compared: a target, a mean over time."""


@dataclasses.dataclass(frozen=True)
class _Piece:
    """A segment, in numbers for one image.

    Attributes:
        size: Values that it answers.
        stored: Bytes of the analog ones, as the front keeps them.
        own: Bytes of them and of the target, while it is calibrated.
        fires: Whether it ends in neurons.
        current: Bytes of its current at one step; 0 where it is constant.
    """

    size: int
    stored: int
    own: int
    fires: bool
    current: int


class Footprint:
    """Bytes that `calibrate` holds for a network, at the least.

    Counted are the activations of the analog front, with those that a segment
    has just answered; the spikes of every spiking front (means over time where
    it is two-phase), each until its last reader; and the current of one image.
    Not counted are the images, temporary storage, currents that are kept and
    what single steps of a pipeline need.
    """

    def __init__(self, conversion: Conversion):
        """Cuts the network.

        Args:
            conversion: Of the network.
        """
        found = cut(conversion.graph, is_neuron=is_neuron, is_head=is_head)
        # Read-outs are held only by pipelines that have a step for them.
        self._segments = [s for s in found if s.role in (NEURON, JUNCTION)]
        self._kind: NeuronKind = conversion.config.kind
        self._pieces: dict[str, _Piece] | None = None
        shapes = [s.model.outputs[0].shape[1:] for s in self._segments]
        if not any(None in shape for shape in shapes):
            self._pieces = _pieces(self._segments)

    def held_bytes(
        self,
        num_images: int,
        timesteps: Sequence[int],
        lag: Lag | None = None,
    ) -> int | None:
        """A lower bound of the bytes at the fullest moment.

        Args:
            num_images: N.
            timesteps: Every T.
            lag: As in `SweepConfig`.

        Returns:
            The bound; None of a network for images of any size.
        """
        if self._pieces is None:
            return None
        spiking = self._spiking(timesteps, lag)
        emitted = BYTES * (len(timesteps) - len(spiking))
        emitted += sum(
            -(-T // steps_per_byte(self._kind.bits)) for T in spiking
        )
        longest = max(spiking, default=0)
        left = num_readers(self._segments)
        live: dict[str, int] = {}
        fullest = 0
        for segment in self._segments:
            piece = self._pieces[segment.name]
            now = num_images * (sum(live.values()) + piece.own)
            fullest = max(fullest, now + longest * piece.current)
            if left[segment.name]:
                spikes = piece.size * emitted if piece.fires else 0
                live[segment.name] = piece.stored + spikes
            for source in segment.sources:
                left[source] -= 1
                if not left[source] and not is_input(source):
                    live.pop(source)
        return fullest

    def current_bytes(
        self,
        num_images: int,
        timesteps: Sequence[int],
        lag: Lag | None = None,
    ) -> int:
        """Bytes of the largest current of all images, were it kept.

        Args:
            num_images: N.
            timesteps: Every T.
            lag: As in `SweepConfig`.

        Returns:
            Of the T that are not two-phase; 0 of a network for images of any
            size.
        """
        longest = max(self._spiking(timesteps, lag), default=0)
        pieces = (self._pieces or {}).values()
        widest = max((piece.current for piece in pieces), default=0)
        return num_images * longest * widest

    def _spiking(self, timesteps, lag):
        """Those T at which a time axis is needed."""
        return [
            T
            for T in timesteps
            if not is_two_phase(
                self._segments, lag_at(lag, T, self._kind), T, self._kind
            )
        ]


def _pieces(segments: Sequence[Segment]) -> dict[str, _Piece]:
    read = num_readers(list(segments))
    temporal = set(temporal_neurons(segments))
    pieces = {}
    for segment in segments:
        name, neuron = segment.name, segment.neuron
        (current,) = segment.model.outputs
        answer = current if neuron is None else neuron.output_tensors[0]
        size = math.prod(current.shape[1:])
        stored = _num_bytes(answer) if read[name] else 0
        # The target is float32; what is stored shares its memory or is a copy.
        copied = 0 if answer.dtype == "float32" else stored
        pieces[name] = _Piece(
            size=size,
            stored=stored,
            own=size * BYTES + copied,
            fires=neuron is not None,
            current=_num_bytes(current) if name in temporal else 0,
        )
    return pieces


def _num_bytes(tensor) -> int:
    """Of one image."""
    return math.prod(tensor.shape[1:]) * tf.as_dtype(tensor.dtype).size
