"""A few steps of a neuron, compiled to one pass over memory.

Step by step, every addition, comparison and subtraction is a pass of its own
over a feature map. XLA fuses the steps of a piece into one. It computes all of
them anew for every result, so a piece has no more results than are needed, and
long runs are divided into pieces.
"""

from collections.abc import Iterator
from typing import NamedTuple

import tensorflow as tf

from tfsnn.dynamics.integrate_and_fire import RESETS, charge

STEPS = {"byte": 8, "count": 32}
"""Largest number of steps of a piece, by what it gives."""


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
    reset: str,
    current: tf.Tensor,
    potential: tf.Tensor,
    threshold: tf.Tensor,
    bias: tf.Tensor,
    temporal_bias: tf.Tensor | None = None,
) -> tuple[tf.Tensor, ...]:
    """Runs one piece.

    Args:
        piece: Which one.
        give: `"byte"`: the spikes as bits, at most eight steps; `"count"`:
            their number.
        reset: `"soft"` or `"hard"`.
        current: `[charging, B, ...]`, or `[B, ...]` if it is the same at every
            step.
        potential: `[B, ...]` in thresholds.
        threshold: Of the neuron.
        bias: Of the neuron.
        temporal_bias: Of its firing steps in this piece, `[firing, C]`.

    Returns:
        The potential after the piece, unless it is the last one; then what is
        asked for, `[B, ...]`, if the neuron fires. A byte is uint8, step t is
        bit t; a count has the potential's dtype.
    """
    constant = len(current.shape) == len(potential.shape)
    dtype = tf.uint8 if give == "byte" else potential.dtype
    given = tf.zeros(tf.shape(potential), dtype)
    state = (potential,)
    for step in range(max(piece.charging, piece.firing)):
        if step < piece.charging:
            now = current if constant else current[step]
            now = tf.cast(now, potential.dtype)
            state = charge(state, (now + bias) / threshold)
        if piece.firing:
            if temporal_bias is not None:
                state = charge(state, temporal_bias[step] / threshold)
            spikes, state = RESETS[reset](state)
            worth = 2**step if give == "byte" else 1
            given += tf.cast(spikes, dtype) * tf.constant(worth, dtype)
    kept = () if piece.is_last else (state[0],)
    return (*kept, given) if piece.firing else kept
