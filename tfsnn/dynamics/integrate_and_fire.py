"""The integrate-and-fire neuron, one firing decision at a time.

The state is a tuple whose first entry is the potential in units of the
threshold, `v / threshold`: a neuron fires where it is at least one. Charging
adds to that entry; firing is the only part in which neurons differ, so a kind
of neuron is one function `fire(state) -> (spikes, state)`.
"""

from collections.abc import Callable

import tensorflow as tf

State = tuple[tf.Tensor, ...]
Fire = Callable[[State], tuple[tf.Tensor, State]]


def charge(state: State, current: tf.Tensor) -> State:
    """Adds one step's current to the potential (Eq. 2).

    Args:
        state: Potential `[B, ...]` in thresholds, then whatever else the
            neuron keeps.
        current: `[B, ...]` in thresholds.

    Returns:
        The charged state.
    """
    return (state[0] + current, *state[1:])


def fire_soft_reset(state: State) -> tuple[tf.Tensor, State]:
    """Fires and subtracts the threshold (Eq. 3-4).

        s = 1 if v >= 1 else 0;    v <- v - s

    Args:
        state: Charged potential `[B, ...]` in thresholds.

    Returns:
        Spikes `[B, ...]`, 0 or 1, in the potential's dtype, and the state.

    References:
        Li et al., A Free Lunch From ANN, ICML 2021, Eq. 2-4.
    """
    potential = state[0]
    spikes = tf.cast(potential >= 1.0, potential.dtype)
    return spikes, (potential - spikes, *state[1:])


def fire_hard_reset(state: State) -> tuple[tf.Tensor, State]:
    """Fires and sets the potential to zero; the surplus is lost.

        s = 1 if v >= 1 else 0;    v <- v (1 - s)

    Args:
        state: Charged potential `[B, ...]` in thresholds.

    Returns:
        Spikes `[B, ...]`, 0 or 1, in the potential's dtype, and the state.

    References:
        Diehl et al., Fast-classifying, high-accuracy spiking deep networks
        through weight and threshold balancing, IJCNN 2015.
    """
    potential = state[0]
    fired = potential >= 1.0
    rest = tf.where(fired, tf.zeros_like(potential), potential)
    return tf.cast(fired, potential.dtype), (rest, *state[1:])


RESETS: dict[str, Fire] = {"soft": fire_soft_reset, "hard": fire_hard_reset}
