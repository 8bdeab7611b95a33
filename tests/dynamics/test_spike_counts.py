"""Spike counts in closed form."""

import numpy as np
import pytest
import tensorflow as tf

from tests.reference.neuron import integrate_and_fire
from tfsnn.dynamics import count_constant, count_two_phase

# Multiples of 1/4: nothing rounds. Columns are potentials.
CURRENTS = np.arange(-12, 13)[:, None] / 4
POTENTIALS = np.arange(-24, 25)[None, :] / 4
GRID = np.broadcast_shapes(CURRENTS.shape, POTENTIALS.shape)
T_VALUES = (1, 2, 5, 8)


def counted(count, timesteps):
    current = tf.constant(np.broadcast_to(CURRENTS, GRID))
    return count(tf.constant(POTENTIALS), current, timesteps).numpy()


def slow(timesteps, lag):
    current = np.broadcast_to(CURRENTS, (timesteps, *GRID))
    run = integrate_and_fire(
        current, 1.0, np.broadcast_to(POTENTIALS, GRID), lag=lag
    )
    return run.spikes.sum(axis=0)


@pytest.mark.parametrize("timesteps", T_VALUES)
def test_constant_current_counts_like_the_oracle(timesteps):
    got = counted(count_constant, timesteps)
    np.testing.assert_array_equal(got, slow(timesteps, lag=0))


@pytest.mark.parametrize("timesteps", T_VALUES)
def test_two_phase_counts_like_the_oracle(timesteps):
    got = counted(count_two_phase, timesteps)
    np.testing.assert_array_equal(got, slow(timesteps, lag=timesteps))


COUNTS = {
    "floor": (0.5, 0.25, 5, 1),  # 1/2 + 5/4
    "every step": (0.0, 1.0, 5, 5),
    "surplus is lost": (0.0, 3.0, 5, 5),
    "start lasts two steps": (3.0, -0.5, 5, 2),  # 3 / 1.5
    "start is just short": (2.75, -0.5, 5, 1),
    "start above T": (9.0, -0.5, 5, 5),
    "silent first": (-5.0, 1.5, 10, 7),  # -5 + 3 * 1.5 < 1
    "never reaches it": (-99.0, 1.5, 10, 0),
    "nothing": (-1.0, 0.0, 5, 0),
}


@pytest.mark.parametrize(
    "potential, current, timesteps, wanted", COUNTS.values(), ids=COUNTS
)
def test_constant_current_by_hand(potential, current, timesteps, wanted):
    got = count_constant(
        tf.constant(potential), tf.constant(current), timesteps
    )
    assert float(got) == wanted


@pytest.mark.parametrize("count", [count_constant, count_two_phase])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_counts_are_exact_up_to_2_to_the_24(count, dtype):
    steps = 2**24
    current = tf.constant([0.5, 1.0, 2.0, -1.0], dtype)
    got = count(tf.zeros([], dtype), current, steps)
    assert got.dtype == dtype
    np.testing.assert_array_equal(got, [steps / 2, steps, steps, 0])


@pytest.mark.parametrize("jit", [False, True], ids=["graph", "xla"])
@pytest.mark.parametrize("count", [count_constant, count_two_phase])
def test_compiled_counts_are_the_same(count, jit):
    run = tf.function(count, jit_compile=jit)
    for timesteps in T_VALUES:
        np.testing.assert_array_equal(
            counted(run, timesteps), counted(count, timesteps)
        )
