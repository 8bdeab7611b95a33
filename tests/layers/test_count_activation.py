"""The neuron layer without a time axis."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.support.kinds import KINDS
from tfsnn.dynamics import BitPlane, IntegrateAndFire
from tfsnn.layers import (
    CountActivation,
    ExtendedCell,
    IFCell,
    SpikingActivation,
)
from tfsnn.layers.extended_cell import neuron_cell

T = 8
PLAIN = IntegrateAndFire()
MIXED = "mixed_bfloat16"
PARAMETERS = {"threshold": 4, "initial_potential": 8, "bias": 2}
POLICIES = ("float32", "float64", MIXED)


def cells(per, values, dtype="float32", kind=PLAIN):
    """Two neurons with the same dyadic parameters, two channels."""
    cell, twin = (
        neuron_cell(
            kind,
            initial_potential=0.0,
            threshold_per=per,
            initial_potential_per=per,
            bias_per=per,
            spike_values=values,
            dtype=dtype,
        )
        for _ in range(2)
    )
    rng = np.random.default_rng(0)
    for one in (cell, twin):
        one.build((None, 3, 2))
    for name, largest in PARAMETERS.items():
        variable = getattr(cell, name)
        value = rng.integers(-largest, largest + 1, variable.shape) / 4
        if name == "threshold":
            value = 2.0 ** rng.integers(-2, 2, variable.shape)
        variable.assign(value)
        getattr(twin, name).assign(value)
    return cell, twin


def mean(folded):
    sequence = np.reshape(folded, (T, -1, *np.shape(folded)[1:]))
    return sequence.astype("float64").mean(axis=0)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("values", ["threshold", "unit"])
@pytest.mark.parametrize("per", ["layer", "channel", "neuron"])
@pytest.mark.parametrize("temporal", [True, False], ids=["temporal", "const"])
def test_is_the_mean_of_the_spiking_layer(temporal, per, values, policy, rng):
    cell, twin = cells(per, values)
    current = rng.integers(-8, 17, (T, 5, 3, 2)) / 4
    if not temporal:
        current[:] = current[0]
    given = current.reshape(-1, 3, 2) if temporal else current[0]
    options = {"temporal_input": temporal, "dtype": policy}
    spiking = SpikingActivation(T, cell, lag=T * temporal, **options)
    counting = CountActivation(T, twin, **options)
    got = counting(current.mean(axis=0).astype("float32"))
    wanted = mean(spiking(given.astype("float32")))
    assert wanted.any()
    np.testing.assert_array_equal(np.float64(got), wanted)


@pytest.mark.parametrize("values", ["threshold", "unit"])
@pytest.mark.parametrize("temporal", [True, False], ids=["temporal", "const"])
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_is_the_mean_of_every_kind(kind, temporal, values, rng):
    cell, twin = cells("neuron", values, kind=kind)
    current = rng.integers(-16, 33, (T, 50, 3, 2)) / 16
    if not temporal:
        current[:] = current[0]
    given = current.reshape(-1, 3, 2) if temporal else current[0]
    options = {"temporal_input": temporal}
    spiking = SpikingActivation(T, cell, lag=T * temporal, **options)
    got = CountActivation(T, twin, **options)(current.mean(axis=0))
    wanted = mean(spiking(given.astype("float32")))
    assert len(np.unique(wanted)) > 4
    np.testing.assert_array_equal(np.float64(got), wanted)


@pytest.mark.parametrize("timesteps", [1, 3, 12])
def test_bit_planes_fill_the_range(timesteps):
    start = BitPlane().rounding_charge(timesteps)
    layer = CountActivation(
        timesteps, ExtendedCell(1.0, start, kind=BitPlane())
    )
    levels = 2**timesteps
    value = np.arange(-3, levels + 3, dtype="float32")[None] / levels
    wanted = np.clip(value, 0, (levels - 1) / levels)
    np.testing.assert_array_equal(layer(value), wanted)


@pytest.mark.parametrize("timesteps", [1, 10, 65_536, 2**24])
def test_as_many_steps_as_one_likes(timesteps):
    layer = CountActivation(timesteps, IFCell(2.0, 0.0))
    got = layer(np.array([[-1.0, 0.5, 1.0, 2.0, 9.0]], "float32"))
    counts = np.clip(
        np.floor(timesteps * np.array([-1, 1 / 4, 1 / 2, 1, 4])), 0, timesteps
    )
    np.testing.assert_array_equal(
        got[0], np.float32(2) * (counts.astype("float32") / timesteps)
    )


@pytest.mark.parametrize("timesteps", [3, 49, 1000])
def test_a_neuron_that_always_fires_gives_its_threshold(timesteps):
    layer = CountActivation(timesteps, IFCell(0.7))
    run = tf.function(layer, input_signature=[tf.TensorSpec([None, 1])])
    for outputs in (layer(tf.fill((2, 1), 5.0)), run(tf.fill((2, 1), 5.0))):
        np.testing.assert_array_equal(outputs, np.full((2, 1), 0.7, "f4"))


def test_bias_flows_at_every_step():
    cell = IFCell(1.0, 0.0, bias_per="layer")
    layer = CountActivation(T, cell)
    layer.build((None, 1))
    cell.bias.assign(0.25)
    # floor(8 (0.5 + 0.25)) / 8
    np.testing.assert_array_equal(layer(np.full((1, 1), 0.5)), [[6 / 8]])


def test_potential_stays_float32_under_a_mixed_policy():
    # 1 - 2^-9 + 2^-9: in bfloat16 the start would be 1 already.
    steps = 2**9
    layer = CountActivation(
        steps, IFCell(1.0, 1 - 2.0**-9, dtype="float32"), dtype=MIXED
    )
    got = layer(np.array([[0.0, 2.0**-18]], "float32"))
    assert got.dtype == tf.bfloat16
    np.testing.assert_array_equal(np.float32(got), [[0, 1 / steps]])


def test_own_mixed_policy_is_announced_and_kept():
    layer = CountActivation(T, dtype=MIXED)
    assert layer(keras.Input((3,))).dtype == "bfloat16"
    twin = CountActivation.from_config(layer.get_config())
    assert twin.dtype_policy.name == MIXED
    assert twin.cell.dtype_policy.name == "float32"


@pytest.mark.parametrize("batch", [0, 1, 3])
def test_shape_is_kept(batch):
    layer = CountActivation(T)
    assert layer(np.zeros((batch, 4, 3), "float32")).shape == (batch, 4, 3)
    assert layer.compute_output_shape((batch, 4, 3)) == (batch, 4, 3)


def test_unknown_feature_axes_run(rng):
    inputs = keras.Input((None, None, 2))
    layer = CountActivation(T, IFCell(threshold_per="channel"))
    current = rng.normal(size=(2, 3, 5, 2)).astype("float32")
    np.testing.assert_array_equal(
        keras.Model(inputs, layer(inputs))(current), CountActivation(T)(current)
    )


def test_timesteps_are_checked():
    with pytest.raises(ValueError, match="timesteps=0. Supported"):
        CountActivation(0)


def test_a_hard_reset_is_refused():
    with pytest.raises(ValueError, match="reset='hard'. Supported: 'soft'"):
        CountActivation(T, IFCell(reset="hard"))


def test_bit_planes_have_few_steps():
    text = "timesteps=25 with neurons of kind 'bit_plane'. Supported: 1...24"
    with pytest.raises(ValueError, match=text):
        CountActivation(25, ExtendedCell(1.0, 0.1, kind=BitPlane()))
