"""Time folded into the batch, and the scan of a neuron over it."""

from collections.abc import Callable

import tensorflow as tf

from .integrate_and_fire import State, charge

FireAt = Callable[[State, tf.Tensor | int], tuple[tf.Tensor, State]]

UNROLL_LIMIT = 64
"""Longest run that is unrolled; longer ones become a `tf.while_loop`."""


def fold(sequence: tf.Tensor) -> tf.Tensor:
    """Merges time into the batch, time first: `[T, B, ...]` to `[T*B, ...]`."""
    shape = tf.shape(sequence)
    folded = tf.reshape(sequence, tf.concat([[-1], shape[2:]], axis=0))
    return tf.ensure_shape(folded, [None, *sequence.shape[2:]])


def unfold(folded: tf.Tensor, timesteps: int) -> tf.Tensor:
    """Splits time off the batch: `[T*B, ...]` to `[T, B, ...]`.

    Args:
        folded: `[T*B, ...]`, time first.
        timesteps: T.

    Returns:
        `[T, B, ...]`, a reshape without a copy.
    """
    shape = tf.shape(folded)
    # Not -1 for B: an empty tensor would leave it undetermined.
    split = tf.concat([[timesteps, shape[0] // timesteps], shape[1:]], axis=0)
    sequence = tf.reshape(folded, split)
    return tf.ensure_shape(sequence, [timesteps, None, *folded.shape[1:]])


def repeat(constant: tf.Tensor, timesteps: int) -> tf.Tensor:
    """The same value at every step: `[B, ...]` to folded `[T*B, ...]`."""
    multiples = [timesteps] + [1] * (len(constant.shape) - 1)
    return tf.tile(constant, multiples)


def scan(
    current: Callable[[tf.Tensor | int], tf.Tensor],
    state: State,
    fire: FireAt,
    *,
    timesteps: int,
    lag: int = 0,
    emit: Callable[[tf.Tensor], tf.Tensor] = tf.identity,
) -> tuple[tf.Tensor, State]:
    """Runs a neuron: charge for T steps, fire for T steps, `lag` later.

        for t in 0 ... T + lag - 1:
            if t < T:     v <- v + current(t)
            if t >= lag:  s(t - lag), v <- fire(v, t - lag)

    With `lag = 0` the neuron decides at every step on what has come so far
    (pipelined); with `lag = T` it decides when everything is there (two-phase).

    Args:
        current: Step index in 0...T-1 to current `[B, ...]`, in thresholds.
        state: Initial state; potential `[B, ...]` in thresholds.
        fire: The neuron: charged state and index of the firing step, 0...T-1,
            to spikes and state, see `integrate_and_fire`.
        timesteps: T, at least 1.
        lag: Steps of charging before the first decision, 0...T.
        emit: What becomes of one step's spikes before they are stacked.

    Returns:
        Emitted spikes `[T, B, ...]` and the final state.
    """
    if timesteps + lag <= UNROLL_LIMIT:
        return _unrolled(current, state, fire, emit, timesteps, lag)
    return _looped(current, state, fire, emit, timesteps, lag)


def _unrolled(current, state, fire, emit, timesteps, lag):
    emitted = []
    for step in range(timesteps + lag):
        if step < timesteps:
            state = charge(state, current(step))
        if step >= lag:
            spikes, state = fire(state, step - lag)
            emitted.append(emit(spikes))
    return tf.stack(emitted), state


def _looped(current, state, fire, emit, timesteps, lag):
    """Three loops: charge only, charge and fire, fire only."""

    def charge_only(step, state):
        return step + 1, charge(state, current(step))

    def charge_and_fire(step, state, train):
        return fire_only(step, charge(state, current(step)), train)

    def fire_only(step, state, train):
        spikes, state = fire(state, step - lag)
        return step + 1, state, train.write(step - lag, emit(spikes))

    probe = emit(fire(state, 0)[0])
    train = tf.TensorArray(
        probe.dtype, size=timesteps, element_shape=probe.shape
    )
    step = tf.constant(0)
    step, state = tf.while_loop(
        lambda step, *_: step < lag, charge_only, (step, state)
    )
    step, state, train = tf.while_loop(
        lambda step, *_: step < timesteps,
        charge_and_fire,
        (step, state, train),
    )
    _, state, train = tf.while_loop(
        lambda step, *_: step < timesteps + lag,
        fire_only,
        (step, state, train),
    )
    return train.stack(), state
