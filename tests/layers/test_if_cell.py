"""One step of the neuron as an RNN cell."""

import re

import keras
import numpy as np
import pytest

from tests.reference.neuron import integrate_and_fire
from tfsnn.layers import IFCell, SpikingRNN

FEATURES = (2, 3)
SHAPES = {"layer": (), "channel": (3,), "neuron": (2, 3)}


def built(features=FEATURES, **arguments):
    cell = IFCell(**arguments)
    cell.build((None, *features))
    return cell


def step(cell, current, potential):
    spikes, (potential,) = cell(np.float32(current), [np.float32(potential)])
    return spikes.numpy(), potential.numpy()


def test_a_step_charges_fires_and_resets():
    cell = built((3,), threshold=2.0)
    # In thresholds: 0.25 + 0.5, 0.5 + 0.5, 0.5 + 1.
    spikes, potential = step(cell, [[1, 1, 2]], [[0.25, 0.5, 0.5]])
    np.testing.assert_array_equal(spikes, [[0, 2, 2]])
    np.testing.assert_array_equal(potential, [[0.75, 0, 0.5]])


def test_hard_reset_goes_to_zero():
    cell = built((3,), threshold=2.0, reset="hard")
    _, potential = step(cell, [[1, 1, 2]], [[0.25, 0.5, 0.5]])
    np.testing.assert_array_equal(potential, [[0.75, 0, 0]])


def test_unit_spikes_are_zero_or_one():
    cell = built((3,), threshold=2.0, spike_values="unit")
    spikes, potential = step(cell, [[1, 1, 2]], [[0.25, 0.5, 0.5]])
    np.testing.assert_array_equal(spikes, [[0, 1, 1]])
    np.testing.assert_array_equal(potential, [[0.75, 0, 0.5]])


def test_constant_threshold_is_no_variable():
    cell = built((3,), threshold_per=None)
    assert [weight.name for weight in cell.weights] == ["initial_potential"]
    assert cell.threshold == 1.0
    # In thresholds: 0.25 + 0.5, 0.5 + 0.5, 0.5 + 1.
    spikes, potential = step(cell, [[0.5, 0.5, 1]], [[0.25, 0.5, 0.5]])
    np.testing.assert_array_equal(spikes, [[0, 1, 1]])
    np.testing.assert_array_equal(potential, [[0.75, 0, 0.5]])


def test_bias_flows_at_every_step():
    cell = built((3,), bias_per="channel")
    cell.bias.assign([0.25, 0.5, -0.25])
    _, potential = step(cell, np.zeros((1, 3)), np.zeros((1, 3)))
    np.testing.assert_array_equal(potential, [[0.25, 0.5, -0.25]])


def test_bias_starts_at_zero_and_is_absent_by_default():
    assert built().bias is None
    np.testing.assert_array_equal(
        built(bias_per="neuron").bias, np.zeros((2, 3))
    )


@pytest.mark.parametrize("granularity", SHAPES)
@pytest.mark.parametrize("name", ["threshold", "initial_potential", "bias"])
def test_parameters_have_the_shape_of_their_granularity(name, granularity):
    cell = built(**{f"{name}_per": granularity})
    assert getattr(cell, name).shape == SHAPES[granularity]


def test_a_feature_map_without_axes_is_its_own_channel():
    assert built((), threshold_per="channel").threshold.shape == ()


@pytest.mark.parametrize("granularity", SHAPES)
def test_parameters_apply_where_they_belong(granularity, rng):
    shape = SHAPES[granularity]
    values = {
        "threshold": rng.integers(1, 5, shape) / 4,
        "initial_potential": rng.integers(0, 4, shape) / 4,
        "bias": rng.integers(-2, 3, shape) / 4,
    }
    # Thresholds that are powers of two keep the division exact.
    values["threshold"] = 2.0 ** np.round(np.log2(values["threshold"]))
    cell = IFCell(
        dtype="float64", **{f"{name}_per": granularity for name in values}
    )
    layer = SpikingRNN(cell, return_state=True, dtype="float64")
    current = rng.integers(-8, 17, (2, 8, *FEATURES)) / 8
    layer.build(current.shape)
    for name, value in values.items():
        getattr(cell, name).assign(value)
    spikes, potential = layer(current)
    expected = integrate_and_fire(np.moveaxis(current, 1, 0), **values)
    np.testing.assert_array_equal(np.moveaxis(spikes, 1, 0), expected.spikes)
    np.testing.assert_array_equal(
        potential * values["threshold"], expected.potential
    )


def test_initial_potential_is_half_the_threshold_by_default():
    assert float(built(threshold=3.0).initial_potential) == 1.5


def test_initial_state_is_in_thresholds():
    cell = built(threshold=4.0, initial_potential=1.0)
    (state,) = cell.get_initial_state(batch_size=5)
    np.testing.assert_array_equal(state, np.full((5, 2, 3), 0.25))


def test_parameters_are_not_trained_by_gradients():
    cell = built(bias_per="channel")
    assert len(cell.non_trainable_weights) == 3
    assert not cell.trainable_weights


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_policy_leaves_the_cell_in_float32(policy):
    cell = IFCell(dtype=policy)
    assert cell.compute_dtype == cell.variable_dtype == "float32"
    spikes, (potential,) = cell(np.ones((1, 3)), [np.ones((1, 3))])
    assert spikes.dtype == potential.dtype == "float32"


def test_whole_numbers_are_currents_too():
    cell = built((2,), threshold=2.0)
    spikes, _ = cell(np.array([[1, 3]]), [np.zeros((1, 2), "float32")])
    np.testing.assert_array_equal(spikes, [[0, 2]])


def test_keras_rnn_runs_the_cell_in_a_functional_model(rng):
    cell = IFCell(0.7)
    inputs = keras.Input((4, 3))
    outputs = keras.layers.RNN(cell, return_sequences=True)(inputs)
    assert outputs.shape == (None, 4, 3)
    current = rng.normal(0.3, 1.0, (2, 4, 3)).astype("float32")
    np.testing.assert_array_equal(
        keras.Model(inputs, outputs)(current), SpikingRNN(cell)(current)
    )


def test_config_round_trip():
    arguments = {
        "threshold": 2.0,
        "initial_potential": 0.5,
        "reset": "hard",
        "threshold_per": "channel",
        "initial_potential_per": "neuron",
        "bias_per": "layer",
        "spike_values": "unit",
    }
    config = IFCell.from_config(IFCell(**arguments).get_config()).get_config()
    assert config.items() >= arguments.items()


def test_numpy_numbers_become_plain_ones():
    config = IFCell(np.float32(2.0), np.float32(0.5)).get_config()
    assert type(config["threshold"]) is type(config["initial_potential"])
    assert type(config["threshold"]) is float


NOT_FINITE = "Supported: a finite number, in activation units."
RESETS = "Supported: 'soft', 'hard'."
PER = "Supported: 'layer', 'channel', 'neuron'."


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"threshold": 0}, "threshold=0. Supported: above 0. Use for example"),
        ({"threshold": -1.5}, "threshold=-1.5. Supported: above 0."),
        ({"threshold": float("nan")}, f"threshold=nan. {NOT_FINITE}"),
        ({"threshold": float("inf")}, f"threshold=inf. {NOT_FINITE}"),
        ({"threshold": "max"}, f"threshold='max'. {NOT_FINITE}"),
        ({"threshold": [1.0, 2.0]}, f"threshold=[1.0, 2.0]. {NOT_FINITE}"),
        ({"threshold": np.ones(2)}, f"threshold=array([1., 1.]). {NOT_FINITE}"),
        (
            {"initial_potential": float("nan")},
            f"initial_potential=nan. {NOT_FINITE} Set the variable for values",
        ),
        ({"reset": "zero"}, f"reset='zero'. {RESETS}"),
        (
            {"threshold_per": "row"},
            "threshold_per='row'. Supported: None, 'layer', 'channel',",
        ),
        (
            {"threshold": 2.0, "threshold_per": None},
            "threshold=2.0 with threshold_per=None. Supported: 1, the constant."
            " Use threshold_per='layer' for any other.",
        ),
        ({"initial_potential_per": 1}, f"initial_potential_per=1. {PER}"),
        (
            {"bias_per": "row"},
            "bias_per='row'. Supported: None, 'layer', 'channel', 'neuron'.",
        ),
        (
            {"spike_values": "one"},
            "spike_values='one'. Supported: 'threshold', 'unit'.",
        ),
    ],
    ids=lambda value: str(value)[:32] if isinstance(value, dict) else "",
)
def test_arguments_out_of_range_are_refused(arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        IFCell(**arguments)


def test_unknown_axes_need_a_coarser_granularity():
    cell = IFCell(threshold_per="neuron", name="first")
    message = (
        "Neuron 'first' keeps its threshold per neuron, but the feature map"
        " (None, None, 3) has unknown axes. Supported: known axes, or a"
        " coarser granularity. Give the Input a full shape, or use 'channel'"
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        cell.build((None, None, None, 3))
