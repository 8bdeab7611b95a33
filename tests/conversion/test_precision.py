"""The same network computed in another precision."""

import re

import keras
import numpy as np
import pytest

import tfsnn
from tests.support.networks import outputs_of, with_random_weights
from tfsnn.conversion import with_dtype_policy, with_unit_spikes
from tfsnn.layers import SpikingActivation, TimeAverage
from tfsnn.types import NeuronParameters

T = 8
MIXED = "mixed_bfloat16"
SHAPE = (8, 8, 3)


def analog():
    image = keras.Input(SHAPE)
    x = stem = keras.layers.Conv2D(8, 3, padding="same")(image)
    x = keras.layers.ReLU()(x)
    x = keras.layers.Conv2D(8, 3, padding="same")(x)
    x = keras.layers.ReLU()(keras.layers.Add()([x, stem]))
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, keras.layers.Dense(5, activation="softmax")(x))


def spiking(model, threshold):
    conversion = tfsnn.convert(model)
    value = NeuronParameters(np.array(threshold), np.array(threshold / 2))
    return conversion.spiking_model(
        T, parameters=dict.fromkeys(conversion.neuron_names, value)
    )


@pytest.fixture
def model(rng):
    """No two numbers alike; thresholds of 1.3, inexact in bfloat16."""
    return spiking(with_random_weights(analog(), rng), 1.3)


@pytest.fixture
def images(rng):
    return rng.normal(size=(16, *SHAPE)).astype("float32")


def neuron_layers(model):
    return [x for x in model.layers if isinstance(x, SpikingActivation)]


def trains(model, images):
    spikes = [layer.output for layer in neuron_layers(model)]
    outputs = keras.Model(model.input, spikes)(images)
    return [np.float32(keras.ops.convert_to_numpy(train)) for train in outputs]


def logits(model, images):
    average = next(x for x in model.layers if isinstance(x, TimeAverage))
    return outputs_of(keras.Model(model.input, average.output), images)[0]


def test_unit_spikes_in_bfloat16_are_zero_or_one(model, images):
    half = with_dtype_policy(with_unit_spikes(model), MIXED)
    for train in trains(half, images):
        np.testing.assert_array_equal(np.unique(train), [0, 1])


def test_spikes_of_the_threshold_in_bfloat16_are_rounded(model, images):
    half = with_dtype_policy(model, MIXED)
    for train in trains(half, images):
        # bfloat16 keeps 8 bits of 1.3.
        np.testing.assert_array_equal(np.unique(train), [0, 1.296875])


def test_unit_spike_model_in_bfloat16_agrees(model, images):
    unit = with_unit_spikes(model)
    half = with_dtype_policy(unit, MIXED)
    got, wanted = logits(half, images), logits(unit, images)
    # Weights and currents have 8 bits: a potential is off by about 2^-8, so
    # that about one decision in a hundred differs, by 1/T of the range.
    for few, many in zip(
        trains(half, images), trains(unit, images), strict=True
    ):
        assert np.mean(few != many) <= 0.02
    error = np.sqrt(np.mean((got - wanted) ** 2))
    assert 0 < error <= 0.01 * np.sqrt(np.mean(wanted**2))


def test_numbers_of_few_bits_give_the_same_spike_trains(rng):
    model = analog()
    for variable in model.weights:
        variable.assign(rng.integers(-1, 2, variable.shape) / 4)
    unit = with_unit_spikes(spiking(model, 0.5))
    half = with_dtype_policy(unit, MIXED)
    images = rng.integers(-2, 3, (4, *SHAPE)).astype("float32") / 2
    for got, wanted in zip(
        trains(half, images), trains(unit, images), strict=True
    ):
        assert wanted.any()
        np.testing.assert_array_equal(got, wanted)


def test_every_layer_computes_in_the_policy_up_to_the_average(model):
    half = with_dtype_policy(model, MIXED)
    found = {
        layer.name: layer.compute_dtype
        for layer in half.layers
        if not isinstance(layer, keras.layers.InputLayer)
    }
    after = [x.name for x in half.layers[-2:]]
    assert {found.pop(name) for name in after} == {"float32"}
    assert set(found.values()) == {"bfloat16"}


def test_inputs_and_outputs_keep_their_dtype(model, images):
    half = with_dtype_policy(model, MIXED)
    assert half.inputs[0].dtype == half.outputs[0].dtype == "float32"
    assert outputs_of(half, images)[0].dtype == "float32"


@pytest.mark.parametrize(
    ("policy", "dtype"),
    [(MIXED, "float32"), ("bfloat16", "float32"), ("float64", "float64")],
)
def test_potentials_have_at_least_float32(policy, dtype, model):
    changed = with_dtype_policy(model, policy)
    for layer in neuron_layers(changed):
        assert layer.cell.compute_dtype == dtype
        assert layer.cell.initial_potential.dtype == dtype


def test_weights_are_carried(model):
    half = with_dtype_policy(model, keras.DTypePolicy(MIXED))
    for got, wanted in zip(
        half.get_weights(), model.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(got, wanted)


def test_there_and_back_restores_the_model(model, images):
    back = with_dtype_policy(with_dtype_policy(model, MIXED), "float32")
    np.testing.assert_array_equal(
        outputs_of(back, images), outputs_of(model, images)
    )
    assert back.get_config() == model.get_config()


def test_file_round_trip(model, images, tmp_path):
    half = with_dtype_policy(with_unit_spikes(model), MIXED)
    half.save(tmp_path / "half.keras")
    loaded = keras.models.load_model(tmp_path / "half.keras")
    np.testing.assert_array_equal(
        outputs_of(loaded, images), outputs_of(half, images)
    )


def test_operations_have_no_policy(rng):
    image = keras.Input((4,))
    source = keras.Model(image, keras.ops.negative(keras.layers.ReLU()(image)))
    half = with_dtype_policy(source, MIXED)
    assert half.outputs[0].dtype == "bfloat16"


def test_policy_that_quantises_is_refused(model):
    message = (
        "policy='int8_from_float32' quantises. Supported: floating-point"
        " policies. Use 'mixed_bfloat16', 'mixed_float16', 'float32' or"
        " 'float64'."
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        with_dtype_policy(model, "int8_from_float32")
