"""What one neuron does in one step of a network."""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from tfsnn.dynamics.integrate_and_fire import State, charge
from tfsnn.layers import SpikingActivation


class NeuronOutputs(NamedTuple):
    """What a neuron makes of one step.

    Attributes:
        emitted: What it sends `[B, ...]`, in the compute dtype of its layer.
        spikes: The same in thresholds, in the dtype of the potential.
        state: State after the step.
    """

    emitted: tf.Tensor
    spikes: tf.Tensor
    state: State


NeuronStep = Callable[..., NeuronOutputs]
"""A function like `neuron_step`, which may compute it in another way."""


def neuron_step(
    layer: SpikingActivation,
    current: tf.Tensor,
    state: State,
    since: tf.Tensor,
    *,
    window: int | None,
    is_scaled: bool = False,
) -> NeuronOutputs:
    """Charges with the current of one step and decides once (Eq. 2-4).

    A neuron charges during the window of its current and fires during its own
    window, which begins `layer.lag` steps later; outside of it it is silent.

    Args:
        layer: The neuron.
        current: `[B, ...]`, activation units.
        state: State before the step; potential `[B, ...]` in thresholds.
        since: Steps since the window of the current began, int32 `[]`;
            negative before.
        window: Steps T of a window; None: the whole run lies in it.
        is_scaled: Whether the current comes in thresholds, with the bias.

    Returns:
        What it sends, its spikes, and the state.
    """
    if not is_scaled:
        current = layer.cell.scaled_current(current)
    nothing = tf.zeros_like(current)
    state = charge(state, within_window(window, since, current, nothing))
    since -= layer.lag
    spikes, fired = layer.fire(state, _firing_step(layer, since))
    spikes = within_window(window, since, spikes, nothing)
    state = tuple(
        within_window(window, since, new, old)
        for new, old in zip(fired, state, strict=True)
    )
    emitted = tf.cast(layer.cell.emitted(spikes), layer.compute_dtype)
    return NeuronOutputs(emitted, spikes, state)


def within_window(
    window: int | None,
    since: tf.Tensor,
    value: tf.Tensor,
    otherwise: tf.Tensor,
) -> tf.Tensor:
    """A value inside a window, else another.

    Args:
        window: Steps T of the window; None: the whole run lies in it.
        since: Steps since it began, int32 `[]`; negative before.
        value: Any shape.
        otherwise: Same shape and dtype.

    Returns:
        Same shape and dtype.
    """
    if window is None:
        return value
    return tf.where(is_within(since, window), value, otherwise)


def is_within(since: tf.Tensor, window: int) -> tf.Tensor:
    """Whether a step lies in a window of so many steps.

    Args:
        since: Steps since it began, int32 `[]`; negative before.
        window: Its steps.

    Returns:
        bool `[]`.
    """
    return (since >= 0) & (since < window)


def _firing_step(layer, since):
    """Index of a neuron's firing step; outside its window a near one."""
    return tf.clip_by_value(since, 0, layer.timesteps - 1)
