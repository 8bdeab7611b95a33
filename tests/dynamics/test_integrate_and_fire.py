"""One step of the neuron."""

import numpy as np
import pytest
import tensorflow as tf

from tfsnn.dynamics import RESETS, fire_hard_reset, fire_soft_reset
from tfsnn.dynamics.integrate_and_fire import charge

BELOW_ONE = np.nextafter(1.0, 0.0)
POTENTIAL = np.array([-3.0, 0.0, BELOW_ONE, 1.0, 1.5, 4.0])
SPIKES = np.array([0.0, 0.0, 0.0, 1.0, 1.0, 1.0])


def test_charge_adds_the_current_and_keeps_the_rest():
    counter = tf.constant([7.0])
    state = charge((tf.constant([0.25]), counter), tf.constant([0.5]))
    np.testing.assert_array_equal(state[0], [0.75])
    assert state[1] is counter


@pytest.mark.parametrize("reset", RESETS)
def test_fires_from_one_threshold_on(reset):
    spikes, _ = RESETS[reset]((tf.constant(POTENTIAL),))
    np.testing.assert_array_equal(spikes, SPIKES)


def test_soft_reset_subtracts_one_threshold():
    _, (rest,) = fire_soft_reset((tf.constant(POTENTIAL),))
    np.testing.assert_array_equal(rest, POTENTIAL - SPIKES)


def test_hard_reset_loses_the_surplus():
    _, (rest,) = fire_hard_reset((tf.constant(POTENTIAL),))
    np.testing.assert_array_equal(rest, POTENTIAL * (1 - SPIKES))


@pytest.mark.parametrize("reset", RESETS)
def test_firing_keeps_the_rest_of_the_state(reset):
    counter = tf.constant([7.0])
    _, state = RESETS[reset]((tf.constant([2.0]), counter))
    assert state[1] is counter


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
@pytest.mark.parametrize("reset", RESETS)
def test_spikes_and_rest_keep_the_dtype_of_the_potential(reset, dtype):
    spikes, (rest,) = RESETS[reset]((tf.constant([0.5, 1.5], dtype),))
    assert spikes.dtype == rest.dtype == dtype


def test_resets_are_listed():
    assert list(RESETS) == ["soft", "hard"]
    assert list(RESETS.values()) == [fire_soft_reset, fire_hard_reset]
