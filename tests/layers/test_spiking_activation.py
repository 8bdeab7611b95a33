"""The neuron layer of a converted network."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.reference.neuron import integrate_and_fire
from tests.reference.neuron_kinds import run_kind
from tests.support.kinds import EXTENDED, STEPWISE
from tfsnn.dynamics import BitPlane, SignedIntegrateAndFire
from tfsnn.layers import (
    ExtendedCell,
    IFCell,
    RepeatTime,
    SpikingActivation,
    SpikingRNN,
)
from tfsnn.numerics import response

T = 6
MIXED = "mixed_bfloat16"


@pytest.fixture
def mixed_policy():
    keras.config.set_dtype_policy(MIXED)
    yield
    keras.config.set_dtype_policy("float32")


@pytest.fixture
def current(rng):
    """Any float32 numbers, `[T, B, H, C]`."""
    return rng.normal(0.3, 1.0, (T, 2, 4, 3)).astype("float32")


def fold(sequence):
    return sequence.reshape(-1, *sequence.shape[2:])


def unfold(folded):
    return np.asarray(folded).reshape(T, -1, *folded.shape[1:])


def in_model(layer, features=(1,)):
    inputs = keras.Input(features)
    return keras.Model(inputs, layer(inputs))


@pytest.mark.parametrize("lag", [0, 1, T])
@pytest.mark.parametrize("reset", ["soft", "hard"])
@pytest.mark.parametrize("batch", [1, 2, 3])
def test_equals_the_oracle(reset, lag, batch, rng):
    current = rng.integers(-16, 32, (T, batch, 3)) / 16
    layer = SpikingActivation(
        T,
        IFCell(0.5, 0.125, reset=reset, dtype="float64"),
        lag=lag,
        dtype="float64",
    )
    expected = integrate_and_fire(current, 0.5, 0.125, reset=reset, lag=lag)
    np.testing.assert_array_equal(unfold(layer(fold(current))), expected.spikes)


@pytest.mark.parametrize("lag", [0, 1, T])
@pytest.mark.parametrize("temporal", [True, False])
def test_temporal_bias_comes_before_each_decision(temporal, lag, rng):
    current = rng.integers(-16, 32, (T if temporal else 1, 2, 4, 3)) / 16
    layer = SpikingActivation(
        T,
        IFCell(0.5, 0.125, dtype="float64"),
        lag=lag,
        temporal_input=temporal,
        use_temporal_bias=True,
        dtype="float64",
    )
    spikes = {"before": unfold(layer(fold(current)))}
    charges = rng.integers(-8, 9, (T, 3)) / 16
    layer.temporal_bias.assign(charges)
    spikes["after"] = unfold(layer(fold(current)))
    assert np.any(spikes["before"] != spikes["after"])
    for train, values in zip(spikes.values(), (None, charges), strict=True):
        expected = integrate_and_fire(
            np.broadcast_to(current, (T, 2, 4, 3)),
            0.5,
            0.125,
            temporal_bias=values,
            lag=lag,
        )
        np.testing.assert_array_equal(train, expected.spikes)


@pytest.mark.parametrize("timesteps", [1, 4, 64, 128])
def test_constant_current_gives_the_closed_form(timesteps):
    current = np.arange(-16, 48).reshape(4, 16).astype("float32") / 32
    layer = SpikingActivation(timesteps, IFCell(0.75), temporal_input=False)
    spikes = np.reshape(layer(current * 0.75), (timesteps, 4, 16))
    expected = response(current * np.float32(0.75), 0.75, timesteps, 0.375)
    np.testing.assert_array_equal(spikes.mean(axis=0), expected)


@pytest.mark.parametrize("lag", [0, 2, T])
@pytest.mark.parametrize("batch", [1, 2, 3])
def test_constant_input_is_a_repeated_temporal_one(batch, lag, rng):
    current = rng.normal(0.3, 1.0, (batch, 4, 3)).astype("float32")
    constant = SpikingActivation(T, IFCell(0.7), lag=lag, temporal_input=False)
    temporal = SpikingActivation(T, IFCell(0.7), lag=lag)
    np.testing.assert_array_equal(
        constant(current), temporal(RepeatTime(T)(current))
    )


def test_constant_input_is_a_repeated_temporal_one_in_bfloat16(rng):
    current = rng.normal(0.3, 1.0, (2, 4, 3)).astype("float32")
    arguments = {"cell": IFCell(0.7, dtype=MIXED), "dtype": MIXED}
    constant = SpikingActivation(T, temporal_input=False, **arguments)
    temporal = SpikingActivation(T, **arguments)
    np.testing.assert_array_equal(
        constant(current), temporal(RepeatTime(T, dtype=MIXED)(current))
    )


def test_equals_spiking_rnn(current):
    cell = IFCell(0.7, threshold_per="channel")
    folded = SpikingActivation(T, cell)(fold(current))
    explicit = SpikingRNN(cell)(np.moveaxis(current, 0, 1))
    np.testing.assert_array_equal(
        unfold(folded), np.moveaxis(np.asarray(explicit), 1, 0)
    )


def test_a_power_of_two_scales_the_spikes(current):
    spikes = SpikingActivation(T, IFCell(0.7, 0.2))(fold(current))
    scaled = SpikingActivation(T, IFCell(5.6, 1.6))(fold(8 * current))
    # 0.7 and 5.6 are not exact, but round alike.
    np.testing.assert_array_equal(scaled, 8 * spikes.numpy())


@pytest.mark.parametrize("temporal", [True, False])
@pytest.mark.parametrize("timesteps", [4, 400], ids=["unrolled", "looped"])
def test_an_empty_batch_stays_empty(timesteps, temporal):
    layer = SpikingActivation(timesteps, temporal_input=temporal)
    assert layer(np.zeros((0, 4, 3), "float32")).shape == (0, 4, 3)
    graph = tf.function(layer, reduce_retracing=True)
    assert graph(tf.zeros((0, 4, 3))).shape == (0, 4, 3)


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("jit", [False, True], ids=["graph", "xla"])
def test_2048_steps(jit, batch):
    layer = SpikingActivation(2048, temporal_input=False)
    run = tf.function(layer, jit_compile=jit)
    spikes = run(tf.fill((batch, 2), 3 / 8))
    assert spikes.shape == (2048 * batch, 2)
    # floor(2048 * 3/8 + 1/2)
    assert float(tf.reduce_sum(spikes)) == 768 * batch * 2


def test_unknown_feature_axes_run(rng):
    inputs = keras.Input((None, None, 2))
    layer = SpikingActivation(T, IFCell(threshold_per="channel"))
    model = keras.Model(inputs, layer(inputs))
    current = rng.normal(size=(2 * T, 3, 5, 2)).astype("float32")
    np.testing.assert_array_equal(
        model.predict(current, verbose=0), SpikingActivation(T)(current)
    )


def test_a_batch_that_is_no_multiple_of_timesteps_fails():
    layer = SpikingActivation(T)
    with pytest.raises(tf.errors.InvalidArgumentError, match="reshape"):
        layer(np.zeros((T + 1, 3), "float32"))


def test_moves_no_data_between_layouts(current):
    layer = SpikingActivation(T, lag=1)
    spec = tf.TensorSpec([None, *current.shape[2:]])
    graph = tf.function(layer, input_signature=[spec]).get_concrete_function()
    types = {operation.type for operation in graph.graph.get_operations()}
    assert not {"Transpose", "Tile", "GatherV2"}.intersection(types)


@pytest.mark.parametrize("inside", [False, True], ids=["alone", "in model"])
def test_potential_stays_float32_under_a_mixed_policy(mixed_policy, inside):
    # In bfloat16 the small currents would vanish beside the potential.
    layer = SpikingActivation(8, IFCell(1.0, 1 - 2**-7))
    run = in_model(layer) if inside else layer
    spikes = run(np.full((8, 1), 2.0**-10, "float32"))
    assert spikes.dtype == tf.bfloat16
    np.testing.assert_array_equal(np.ravel(spikes), [0] * 7 + [1])


@pytest.mark.parametrize("inside", [False, True], ids=["alone", "in model"])
def test_threshold_stays_float32_under_a_mixed_policy(mixed_policy, inside):
    # In bfloat16 the threshold would be 1, and a current of 1 would reach it.
    layer = SpikingActivation(1, IFCell(1 + 2**-9, 0.0))
    run = in_model(layer) if inside else layer
    np.testing.assert_array_equal(run(np.ones((1, 1), "float32")), [[0]])


@pytest.mark.parametrize("inside", [False, True], ids=["alone", "in model"])
def test_unit_spikes_are_exact_in_bfloat16(mixed_policy, inside, rng):
    layer = SpikingActivation(T, IFCell(0.3, spike_values="unit"))
    run = in_model(layer, (5,)) if inside else layer
    spikes = run(rng.normal(0.3, 1.0, (T, 5)).astype("float32"))
    assert spikes.dtype == tf.bfloat16
    assert set(np.ravel(spikes).astype(float)) == {0.0, 1.0}


def test_own_mixed_policy_is_announced_and_kept():
    layer = SpikingActivation(T, dtype=MIXED)
    assert layer.dtype_policy.name == MIXED
    assert layer(keras.Input((3,))).dtype == "bfloat16"
    twin = SpikingActivation.from_config(layer.get_config())
    assert twin.dtype_policy.name == MIXED
    assert twin.cell.dtype_policy.name == "float32"


@pytest.mark.parametrize("per", ["layer", "channel", "neuron"])
@pytest.mark.parametrize("kind", ["activation", "rnn"])
def test_reload_with_set_thresholds_is_bitwise(kind, per, rng, tmp_path):
    cell = IFCell(threshold_per=per, initial_potential_per=per, bias_per=per)
    if kind == "rnn":
        layer, shape = SpikingRNN(cell), (2, T, 4, 3)
    else:
        layer, shape = SpikingActivation(T, cell, lag=1), (2 * T, 4, 3)
    model = in_model(layer, shape[1:])
    model.set_weights(
        [rng.uniform(0.2, 0.9, w.shape) for w in model.get_weights()]
    )
    model.save(tmp_path / "model.keras")
    current = rng.normal(0.3, 1.0, shape).astype("float32")
    reloaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(reloaded(current), model(current))


@pytest.mark.parametrize(
    ("temporal", "batch", "expected"),
    [(True, 12, 12), (True, None, None), (False, 2, 12), (False, None, None)],
)
def test_output_shape(temporal, batch, expected):
    layer = SpikingActivation(T, temporal_input=temporal)
    assert layer.compute_output_shape((batch, 4, 3)) == (expected, 4, 3)


CLOCKS = [
    (kind, lag, temporal)
    for kind in EXTENDED.values()
    for lag, temporal in ((0, True), (1, True), (T, True), (0, False))
    if not kind.needs_two_phase or lag == T or not temporal
]
every_clock = pytest.mark.parametrize(
    ("kind", "lag", "temporal"),
    CLOCKS,
    ids=[f"{k.name}, lag {n}, {'temporal' * t}" for k, n, t in CLOCKS],
)


@pytest.mark.parametrize("values", ["threshold", "unit"])
@pytest.mark.parametrize("batch", [1, 2, 3])
@every_clock
def test_other_kinds_equal_the_oracle(kind, lag, temporal, batch, values, rng):
    current = rng.integers(-16, 32, (T, batch, 3)) / 16
    if not temporal:
        current[:] = current[0]
    cell = ExtendedCell(
        0.5, 0.125, kind=kind, spike_values=values, dtype="float64"
    )
    layer = SpikingActivation(
        T, cell, lag=lag, temporal_input=temporal, dtype="float64"
    )
    expected = run_kind(
        kind.to_dict(),
        current,
        0.5,
        0.125,
        lag=lag,
        at_once=not temporal and kind.needs_two_phase,
    ).spikes
    assert expected.any()
    got = unfold(layer(fold(current) if temporal else current[0]))
    worth = 0.5 if values == "unit" else 1.0
    np.testing.assert_array_equal(worth * got, expected)


@pytest.mark.parametrize("jit", [False, True], ids=["graph", "xla"])
@pytest.mark.parametrize("kind", STEPWISE.values(), ids=STEPWISE)
def test_looped_equals_unrolled(kind, jit, rng):
    steps = 80
    current = rng.integers(-8, 16, (steps, 2, 3)) / 16
    layer = SpikingActivation(steps, ExtendedCell(0.5, kind=kind), lag=1)
    run = tf.function(layer, jit_compile=jit)
    got = np.reshape(run(fold(current).astype("float32")), current.shape)
    expected = run_kind(kind.to_dict(), current, 0.5, 0.25, lag=1)
    np.testing.assert_array_equal(got, expected.spikes)


@pytest.mark.parametrize("jit", [False, True], ids=["graph", "xla"])
def test_bit_planes_when_compiled(jit):
    steps = 12
    value = np.arange(-64, 4200, dtype="float32")[None] / 2**12
    cell = ExtendedCell(1.0, BitPlane().rounding_charge(steps), kind=BitPlane())
    layer = SpikingActivation(steps, cell, temporal_input=False)
    spikes = tf.function(layer, jit_compile=jit)(value)
    sums = np.reshape(spikes, (steps, -1)).sum(axis=0)
    wanted = np.clip(value[0], 0, 1 - 2.0**-12)
    # Values on a level lose nothing.
    np.testing.assert_array_equal(sums / steps, wanted)


def test_temporal_bias_of_a_signed_neuron(rng):
    current = rng.integers(-16, 32, (T, 2, 3)) / 16
    charges = rng.integers(-8, 9, (T, 3)) / 16
    cell = ExtendedCell(
        0.5, 0.125, kind=SignedIntegrateAndFire(), dtype="float64"
    )
    layer = SpikingActivation(T, cell, use_temporal_bias=True, dtype="float64")
    layer.build((None, 3))
    layer.temporal_bias.assign(charges)
    # With no lag a charge before the decision is a current.
    expected = run_kind(
        cell.kind.to_dict(), current + charges[:, None], 0.5, 0.125
    )
    np.testing.assert_array_equal(unfold(layer(fold(current))), expected.spikes)


def test_bit_planes_need_all_input():
    cell = ExtendedCell(1.0, 0.1, kind=BitPlane())
    text = (
        "lag=2 with timesteps=6 and neurons of kind 'bit_plane'. Supported:"
        " lag=T, for they fire the bits of all their input. Use lag=6, or"
    )
    with pytest.raises(ValueError, match=text):
        SpikingActivation(T, cell, lag=2)


def test_bit_planes_of_a_constant_have_no_lag():
    cell = ExtendedCell(1.0, 0.1, kind=BitPlane())
    text = "lag=6 with temporal_input=False and neurons of kind 'bit_plane'."
    with pytest.raises(ValueError, match=text):
        SpikingActivation(T, cell, lag=T, temporal_input=False)


def test_bit_planes_have_few_steps():
    cell = ExtendedCell(1.0, 0.1, kind=BitPlane())
    text = "timesteps=25 with neurons of kind 'bit_plane'. Supported: 1...24"
    with pytest.raises(ValueError, match=text):
        SpikingActivation(25, cell, lag=25)


def test_timesteps_are_checked():
    with pytest.raises(ValueError, match="timesteps=0. Supported"):
        SpikingActivation(0)


def test_lag_is_checked():
    with pytest.raises(ValueError, match="lag=7 with timesteps=6. Supported"):
        SpikingActivation(T, lag=7)
