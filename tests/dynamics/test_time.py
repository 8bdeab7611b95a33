"""Folding, unfolding, and the scan of a neuron over time."""

import numpy as np
import pytest
import tensorflow as tf

from tests.reference.neuron import integrate_and_fire
from tfsnn.dynamics import RESETS, fire_soft_reset, fold, repeat, scan, unfold
from tfsnn.dynamics import time as time_module

T = 6


def at_any_step(fire):
    """The same decision at every step."""
    return lambda state, step: fire(state)


def run(current, start=0.5, fire=fire_soft_reset, way=scan, **arguments):
    """Spikes and last potential of a train of currents `[T, B, ...]`."""
    current = tf.constant(current)
    state = (tf.zeros_like(current[0]) + start,)
    arguments = {"timesteps": current.shape[0], "lag": 0, **arguments}
    if way is not scan:
        arguments.setdefault("emit", tf.identity)
    spikes, state = way(
        lambda step: current[step],
        state,
        fire=at_any_step(fire),
        **arguments,
    )
    return spikes.numpy(), state[0].numpy()


@pytest.fixture
def current(rng):
    """Any float32 numbers: sums round, so only equal orders are equal."""
    return rng.normal(0.3, 1.0, (T, 2, 3)).astype("float32")


@pytest.fixture
def dyadic(rng):
    return rng.integers(-16, 32, (T, 2, 3)) / 16


def operations(function, *specs):
    graph = tf.function(function, input_signature=specs).get_concrete_function()
    return [operation.type for operation in graph.graph.get_operations()]


@pytest.mark.parametrize("batch", [0, 1, 2, 3])
@pytest.mark.parametrize("features", [(), (3,), (4, 5, 2)], ids=len)
def test_fold_is_time_first_and_unfold_its_inverse(batch, features):
    sequence = np.arange(T * batch * np.prod(features, dtype=int))
    sequence = sequence.reshape(T, batch, *features)
    folded = fold(tf.constant(sequence))
    np.testing.assert_array_equal(folded, sequence.reshape(-1, *features))
    np.testing.assert_array_equal(unfold(folded, T), sequence)


def test_static_shapes_survive_an_unknown_batch():
    @tf.function(input_signature=[tf.TensorSpec([None, 4, 2])])
    def shapes(folded):
        sequence = unfold(folded, T)
        assert sequence.shape.as_list() == [T, None, 4, 2]
        assert fold(sequence).shape.as_list() == [None, 4, 2]
        return sequence

    assert shapes(tf.zeros((2 * T, 4, 2))).shape == (T, 2, 4, 2)


def test_unfold_and_fold_move_no_data():
    types = operations(
        lambda folded: fold(unfold(folded, T)), tf.TensorSpec([None, 4, 2])
    )
    assert types.count("Reshape") == 2
    movers = {"Transpose", "GatherV2", "Tile", "SplitV", "Copy"}
    assert not movers.intersection(types)


def test_a_batch_that_is_no_multiple_of_timesteps_fails():
    with pytest.raises(tf.errors.InvalidArgumentError, match="reshape"):
        unfold(tf.zeros((T + 1, 2)), T)


@pytest.mark.parametrize("batch", [0, 1, 3])
def test_repeat_is_the_same_at_every_step(batch, rng):
    constant = rng.normal(size=(batch, 2))
    sequence = unfold(repeat(tf.constant(constant), T), T)
    np.testing.assert_array_equal(sequence, np.stack([constant] * T))


@pytest.mark.parametrize("lag", [0, 1, 2, T])
@pytest.mark.parametrize("reset", RESETS)
def test_scan_equals_the_oracle(reset, lag, dyadic):
    spikes, potential = run(dyadic, fire=RESETS[reset], lag=lag)
    expected = integrate_and_fire(dyadic, 1.0, 0.5, reset=reset, lag=lag)
    np.testing.assert_array_equal(spikes, expected.spikes)
    np.testing.assert_array_equal(potential, expected.potential)


@pytest.mark.parametrize("lag", [0, 1, T])
@pytest.mark.parametrize("reset", RESETS)
def test_unrolled_equals_looped(reset, lag, current):
    arguments = {"fire": RESETS[reset], "lag": lag}
    unrolled = run(current, way=time_module._unrolled, **arguments)
    looped = run(current, way=time_module._looped, **arguments)
    np.testing.assert_array_equal(unrolled[0], looped[0])
    np.testing.assert_array_equal(unrolled[1], looped[1])


@pytest.mark.parametrize("batch", [0, 1, 2])
@pytest.mark.parametrize("jit", [False, True], ids=["graph", "xla"])
def test_looped_in_a_graph_equals_eager(jit, batch, rng):
    current = rng.normal(0.3, 1.0, (T, batch, 3)).astype("float32")

    @tf.function(jit_compile=jit)
    def looped(current):
        start = (tf.zeros_like(current[0]),)
        return time_module._looped(
            lambda step: current[step],
            start,
            at_any_step(fire_soft_reset),
            tf.identity,
            T,
            2,
        )

    spikes, (potential,) = looped(tf.constant(current))
    expected = run(current, 0.0, lag=2)
    np.testing.assert_array_equal(spikes, expected[0])
    np.testing.assert_array_equal(potential, expected[1])


@pytest.mark.parametrize(
    ("timesteps", "lag", "loops"),
    [(64, 0, 0), (65, 0, 3), (60, 4, 0), (60, 5, 3)],
)
def test_long_runs_become_loops(timesteps, lag, loops):
    def function(current):
        sequence = unfold(current, timesteps)
        return scan(
            lambda step: sequence[step],
            (tf.zeros_like(sequence[0]),),
            at_any_step(fire_soft_reset),
            timesteps=timesteps,
            lag=lag,
        )[0]

    types = operations(function, tf.TensorSpec([None, 2]))
    assert sum("While" in name for name in types) == loops


def test_both_sides_of_the_limit_agree(monkeypatch, current):
    unrolled = run(current, lag=1)
    monkeypatch.setattr(time_module, "UNROLL_LIMIT", T)
    np.testing.assert_array_equal(run(current, lag=1)[0], unrolled[0])


def test_2048_steps_count_to_the_step():
    # 3/8 of a threshold a step, from one half: floor(768 + 1/2) spikes.
    current = np.full((2048, 1, 1), 3 / 8, "float32")
    spikes, potential = run(current)
    assert spikes.sum() == 768
    np.testing.assert_array_equal(potential, [[0.5]])


@pytest.mark.parametrize("first", [1, 2, 5])
def test_two_runs_with_carried_state_are_one(first, current):
    whole, potential = run(current)
    spikes_1, carried = run(current[:first])
    spikes_2, last = run(current[first:], carried)
    np.testing.assert_array_equal(np.concatenate([spikes_1, spikes_2]), whole)
    np.testing.assert_array_equal(last, potential)


def test_emit_is_applied_to_every_step(current):
    spikes, _ = run(current)
    for way in (time_module._unrolled, time_module._looped):
        emitted, _ = run(
            current, way=way, emit=lambda s: tf.cast(2 * s, tf.bfloat16)
        )
        assert emitted.dtype == tf.bfloat16
        np.testing.assert_array_equal(emitted.astype("float32"), 2 * spikes)


def test_lag_waits_for_late_charge():
    # An early surplus that later current takes back: only a lag sees it.
    current = np.array([1.0, 0.0, -1.0, 0.0]).reshape(4, 1, 1)
    assert run(current, 0.0)[0].sum() == 1
    assert run(current, 0.0, lag=4)[0].sum() == 0
