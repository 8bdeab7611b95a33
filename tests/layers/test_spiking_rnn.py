"""Neurons over data with an explicit time axis."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.reference.neuron import integrate_and_fire
from tests.reference.neuron_kinds import run_kind
from tests.support.kinds import STEPWISE
from tfsnn.dynamics import BitPlane, SignedIntegrateAndFire
from tfsnn.layers import ExtendedCell, IFCell, SpikingRNN

T = 8
SHAPE = (2, T, 4, 3)


@pytest.fixture
def current(rng):
    """Any float32 numbers, `[B, T, H, C]`."""
    return rng.normal(0.3, 1.0, SHAPE).astype("float32")


def stateful(**arguments):
    return SpikingRNN(IFCell(0.7, 0.2), stateful=True, **arguments)


@pytest.mark.parametrize("reset", ["soft", "hard"])
@pytest.mark.parametrize("unroll", [False, True], ids=["looped", "unrolled"])
def test_equals_the_oracle(unroll, reset, rng):
    current = rng.integers(-16, 32, SHAPE) / 16
    cell = IFCell(0.5, 0.125, reset=reset, dtype="float64")
    layer = SpikingRNN(cell, unroll=unroll, return_state=True, dtype="float64")
    spikes, potential = layer(current)
    expected = integrate_and_fire(
        np.moveaxis(current, 1, 0), 0.5, 0.125, reset=reset
    )
    np.testing.assert_array_equal(np.moveaxis(spikes, 1, 0), expected.spikes)
    np.testing.assert_array_equal(0.5 * potential, expected.potential)


@pytest.mark.parametrize("kind", STEPWISE.values(), ids=STEPWISE)
def test_other_kinds_equal_the_oracle(kind, rng):
    current = rng.integers(-16, 32, SHAPE) / 16
    cell = ExtendedCell(0.5, 0.125, kind=kind, dtype="float64")
    layer = SpikingRNN(cell, return_state=True, dtype="float64")
    spikes, *states = layer(current)
    expected = run_kind(kind.to_dict(), np.moveaxis(current, 1, 0), 0.5, 0.125)
    np.testing.assert_array_equal(np.moveaxis(spikes, 1, 0), expected.spikes)
    np.testing.assert_array_equal(0.5 * states[0], expected.potential)
    assert len(states) == kind.num_states


def test_a_stateful_signed_neuron_carries_both_states(rng):
    current = rng.integers(-16, 32, SHAPE).astype("float32") / 16
    kind = SignedIntegrateAndFire()
    whole = SpikingRNN(ExtendedCell(0.5, kind=kind))(current)
    layer = SpikingRNN(ExtendedCell(0.5, kind=kind), stateful=True)
    chunks = [layer(current[:, :3]), layer(current[:, 3:])]
    np.testing.assert_array_equal(np.concatenate(chunks, axis=1), whole)
    assert np.any(whole.numpy() < 0)
    layer.reset_state()
    np.testing.assert_array_equal(layer.states[1], np.zeros((2, 4, 3)))


def test_signed_states_in_a_functional_model():
    inputs = keras.Input((T, 5, 2))
    layer = SpikingRNN(
        ExtendedCell(kind=SignedIntegrateAndFire()), return_state=True
    )
    shapes = [tuple(output.shape) for output in layer(inputs)]
    assert shapes == [(None, T, 5, 2), (None, 5, 2), (None, 5, 2)]


def test_bit_planes_are_refused():
    text = "SpikingRNN received a cell of kind 'bit_plane'. Supported: kinds"
    with pytest.raises(ValueError, match=text):
        SpikingRNN(ExtendedCell(1.0, 0.1, kind=BitPlane()))


def test_default_cell_takes_the_dtype_of_the_layer():
    layer = SpikingRNN(dtype="float64")
    assert layer.cell.dtype_policy.name == "float64"


def test_last_step_only(current):
    cell = IFCell(0.7)
    last = SpikingRNN(cell, return_sequences=False)(current)
    np.testing.assert_array_equal(last, SpikingRNN(cell)(current)[:, -1])


@pytest.mark.parametrize("first", [1, 3])
def test_chunks_of_a_stateful_layer_are_one_run(first, current):
    whole = SpikingRNN(IFCell(0.7, 0.2))(current)
    layer = stateful()
    chunks = [layer(current[:, :first]), layer(current[:, first:])]
    np.testing.assert_array_equal(np.concatenate(chunks, axis=1), whole)


def test_chunks_in_a_functional_model(current):
    inputs = keras.Input(batch_shape=(2, T // 2, 4, 3))
    model = keras.Model(inputs, stateful()(inputs))
    chunks = [
        model.predict(current[:, part], batch_size=2, verbose=0)
        for part in (slice(0, 4), slice(4, 8))
    ]
    whole = SpikingRNN(IFCell(0.7, 0.2))(current)
    np.testing.assert_array_equal(np.concatenate(chunks, axis=1), whole)


@pytest.mark.parametrize("jit", [False, True], ids=["graph", "xla"])
def test_chunks_in_a_graph(jit, current):
    layer = stateful()
    layer.build((2, 4, 4, 3))
    run = tf.function(layer, jit_compile=jit)
    chunks = [run(current[:, :4]), run(current[:, 4:])]
    whole = SpikingRNN(IFCell(0.7, 0.2))(current)
    np.testing.assert_array_equal(np.concatenate(chunks, axis=1), whole)


def test_state_given_and_returned_carries_a_run(current):
    layer = SpikingRNN(IFCell(0.7, 0.2), return_state=True)
    whole, potential = layer(current)
    first, carried = layer(current[:, :3])
    second, last = layer(current[:, 3:], initial_state=[carried])
    np.testing.assert_array_equal(np.concatenate([first, second], 1), whole)
    np.testing.assert_array_equal(last, potential)


def test_reset_goes_back_to_the_initial_potential(current):
    layer = stateful()
    first = layer(current).numpy()
    layer.reset_state()
    start = np.full((2, 4, 3), np.float32(0.2) / np.float32(0.7))
    np.testing.assert_array_equal(layer.states[0], start)
    np.testing.assert_array_equal(layer(current), first)


def test_reset_before_the_first_call_does_nothing():
    layer = stateful()
    layer.reset_state()
    assert layer.states is None


def test_parameters_set_after_build_hold_from_the_first_step(current):
    layer = stateful()
    layer.build(SHAPE)
    layer.cell.threshold.assign(0.4)
    layer.cell.initial_potential.assign(0.3)
    expected = SpikingRNN(IFCell(0.4, 0.3))(current)
    np.testing.assert_array_equal(layer(current), expected)


def test_parameters_set_after_reset_hold_from_the_first_step(current):
    layer = stateful()
    layer(current)
    layer.reset_state()
    layer.cell.initial_potential.assign(0.3)
    expected = SpikingRNN(IFCell(0.7, 0.3))(current)
    np.testing.assert_array_equal(layer(current), expected)


def test_states_are_no_weights(current):
    layer = stateful()
    layer(current)
    assert len(layer.weights) == 2


def test_reloaded_stateful_model_starts_afresh(current, tmp_path):
    inputs = keras.Input(batch_shape=SHAPE)
    model = keras.Model(inputs, stateful()(inputs))
    model.set_weights([np.float32(0.4), np.float32(0.3)])
    first = model(current).numpy()
    model.save(tmp_path / "model.keras")
    reloaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(reloaded(current), first)


def test_exported_stateful_model_carries_its_state(current, tmp_path):
    inputs = keras.Input(batch_shape=SHAPE)
    model = keras.Model(inputs, stateful()(inputs))
    model.export(tmp_path / "model", verbose=False)
    exported = tf.saved_model.load(tmp_path / "model")
    for _ in range(2):
        np.testing.assert_array_equal(exported.serve(current), model(current))


@pytest.mark.parametrize("batch", [0, 1, 3])
def test_any_batch(batch):
    layer = SpikingRNN()
    assert layer(np.zeros((batch, T, 3), "float32")).shape == (batch, T, 3)


def test_unknown_time_and_feature_axes_run(current):
    inputs = keras.Input((None, None, 3))
    model = keras.Model(inputs, SpikingRNN(IFCell(0.7))(inputs))
    np.testing.assert_array_equal(
        model.predict(current, verbose=0), SpikingRNN(IFCell(0.7))(current)
    )


def test_states_may_be_feature_maps_in_a_functional_model():
    inputs = keras.Input((T, 5, 5, 2))
    spikes, potential = SpikingRNN(return_state=True)(inputs)
    assert spikes.shape == (None, T, 5, 5, 2)
    assert potential.shape == (None, 5, 5, 2)
    last = SpikingRNN(return_sequences=False)(inputs)
    assert last.shape == (None, 5, 5, 2)


@pytest.mark.parametrize("inside", [False, True], ids=["alone", "in model"])
def test_mixed_policy_leaves_the_neuron_in_float32(inside):
    # See the same tests of SpikingActivation for the numbers.
    policy = "mixed_bfloat16"
    layer = SpikingRNN(IFCell(1.0, 1 - 2**-7, dtype=policy), dtype=policy)
    run = layer
    if inside:
        inputs = keras.Input((T, 1))
        run = keras.Model(inputs, layer(inputs))
        run.dtype_policy = policy
    spikes = run(np.full((1, T, 1), 2.0**-10, "float32"))
    assert spikes.dtype == tf.float32
    np.testing.assert_array_equal(np.ravel(spikes), [0] * 7 + [1])
