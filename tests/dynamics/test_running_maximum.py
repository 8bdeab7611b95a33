import numpy as np
import pytest
import tensorflow as tf

from tfsnn.dynamics.running_maximum import PoolState, pool_step, pool_train

T = 6


def pool(values):
    """The larger one of two neighbours."""
    return tf.reduce_max(tf.reshape(values, (-1, 2, 2)), axis=-1)


def steps_of(train):
    """The outputs step by step; train `[T, B, 4]`."""
    state = PoolState(
        tf.zeros(train.shape[1:]), tf.zeros((*train.shape[1:2], 2))
    )
    outputs = []
    for inputs in train:
        out, state = pool_step(tf.constant(inputs), state, pool)
        outputs.append(out.numpy())
    return np.array(outputs)


@pytest.fixture(name="train")
def make_train(rng):
    """Multiples of 1/4 with either sign, `[T, 3, 4]`."""
    return (rng.integers(-4, 5, (T, 3, 4)) / 4).astype("float32")


def test_totals_are_pooled_totals_at_every_step(train):
    totals = np.cumsum(train, axis=0).reshape(T, 3, 2, 2).max(axis=-1)
    np.testing.assert_array_equal(np.cumsum(steps_of(train), axis=0), totals)


def test_it_is_lateral_inhibition_pooling(train):
    """LIPooling of Li and Zeng: each output is taken off all totals."""
    totals, outputs = np.zeros((3, 2, 2)), []
    for inputs in train:
        totals += inputs.reshape(3, 2, 2)
        outputs.append(totals.max(axis=-1))
        totals -= outputs[-1][..., None]
    np.testing.assert_array_equal(steps_of(train), outputs)


def test_all_steps_at_once(train):
    folded = pool_train(tf.constant(train.reshape(-1, 4)), pool, T)
    np.testing.assert_array_equal(
        folded.numpy().reshape(T, 3, 2), steps_of(train)
    )


def test_the_total_does_not_depend_on_the_order(train, rng):
    shuffled = rng.permutation(train, axis=0)
    np.testing.assert_array_equal(
        steps_of(train).sum(axis=0), steps_of(shuffled).sum(axis=0)
    )


def test_spikes_give_spikes(rng):
    outputs = steps_of(rng.integers(0, 2, (T, 5, 4)).astype("float32"))
    assert set(np.unique(outputs)) == {0, 1}


def test_a_constant_is_pooled_once(rng):
    image = (rng.integers(-8, 9, (3, 4)) / 4).astype("float32")
    outputs = steps_of(np.broadcast_to(image, (T, 3, 4)))
    np.testing.assert_array_equal(outputs, [pool(tf.constant(image))] * T)
