"""A few steps of a neuron, compiled to one pass over memory.

Step by step, every addition, comparison and subtraction is a pass of its own
over a feature map. XLA fuses the steps of a piece into one. It computes all of
them anew for every result, so a piece has no more results than are needed, and
long runs are divided into pieces.
"""

from collections.abc import Iterator
from typing import NamedTuple

import tensorflow as tf

from tfsnn.dynamics.integrate_and_fire import charge
from tfsnn.dynamics.neuron_kind import NeuronKind

from .spike_store import steps_per_byte

MOST_STEPS = 32
"""Largest number of steps of a piece."""


class Piece(NamedTuple):
    """Which part of a run it is.

    Attributes:
        charging: In how many of its steps, the first ones, current flows.
        firing: In how many of its steps the neuron fires; all or none.
        is_last: Whether the potential after it is of no use.
    """

    charging: int
    firing: int
    is_last: bool


class Firing(NamedTuple):
    """How a neuron fires in a piece.

    Attributes:
        kind: Kind of neuron.
        timesteps: T.
        first: Index of its first firing step, 0...T-1; 0 wherever all steps
            are alike, so that pieces share a graph.
    """

    kind: NeuronKind
    timesteps: int
    first: int = 0

    def at(self, step: int) -> "Firing":
        """The same for a piece that starts with another firing step."""
        # Only who must know all its input looks at the step.
        return self._replace(first=step if self.kind.needs_two_phase else 0)


def num_steps(give: str, kind: NeuronKind) -> int:
    """Largest number of steps of a piece.

    Args:
        give: See `run_piece`.
        kind: Kind of neuron.

    Returns:
        As many as are unrolled, and as fit in what is given.
    """
    return steps_per_byte(kind.bits) if give == "byte" else MOST_STEPS


def pieces(timesteps: int, lag: int, size: int) -> Iterator[tuple[int, Piece]]:
    """Divides a run: charging alone for `lag` steps, then T firing steps.

    Args:
        timesteps: T.
        lag: Steps of charging before the first decision, 0...T.
        size: Largest number of steps of a piece.

    Returns:
        Index of the first step, and the piece, in order.
    """
    for start in range(0, lag, size):
        yield start, Piece(min(size, lag - start), 0, False)
    end = lag + timesteps
    for start in range(lag, end, size):
        firing = min(size, end - start)
        charging = min(firing, max(0, timesteps - start))
        yield start, Piece(charging, firing, start + firing == end)


def run_piece(
    piece: Piece,
    give: str,
    firing: Firing,
    current: tf.Tensor,
    *tensors: tf.Tensor,
) -> tuple[tf.Tensor, ...]:
    """Runs one piece.

    Args:
        piece: Which one.
        give: `"byte"`: the spikes packed, see `spike_store.pack`; `"total"`:
            their sum.
        firing: How the neuron fires.
        current: `[charging, B, ...]`, or `[B, ...]` if it is the same at every
            step.
        *tensors: The neuron's state, potential `[B, ...]` in thresholds first;
            its threshold and bias, and, if it has one, the temporal bias of
            this piece's firing steps, `[firing, C]`.

    Returns:
        The state after the piece, unless it is the last one; then what is
        asked for, `[B, ...]`, if the neuron fires. A byte is uint8; a total,
        in thresholds, has the potential's dtype.
    """
    kind, timesteps, first = firing
    state = tensors[: kind.num_states]
    threshold, bias, *temporal_bias = tensors[kind.num_states :]
    potential = state[0]
    constant = len(current.shape) == len(potential.shape)
    dtype = tf.uint8 if give == "byte" else potential.dtype
    given = tf.zeros(tf.shape(potential), dtype)
    for step in range(max(piece.charging, piece.firing)):
        if step < piece.charging:
            now = current if constant else current[step]
            now = tf.cast(now, potential.dtype)
            state = charge(state, (now + bias) / threshold)
        if piece.firing:
            for charges in temporal_bias:
                state = charge(state, charges[step] / threshold)
            spikes, state = kind.fire(state, first + step, timesteps)
            if give == "byte":
                codes = kind.encode(spikes, first + step, timesteps)
                given += codes * tf.constant(2 ** (kind.bits * step), dtype)
            else:
                given += spikes
    kept = () if piece.is_last else state
    return (*kept, given) if piece.firing else kept
