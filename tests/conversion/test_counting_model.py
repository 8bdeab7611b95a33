"""A two-phase network without time gives what it gives with time."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.support import convertible
from tests.support.networks import kinds, outputs_of
from tests.support.spike_counts import counts, folded_counts
from tests.support.spiking_networks import (
    IMAGE_SHAPE,
    classifier,
    images,
    make_dyadic,
    residual_network,
    spiking,
    with_lags,
)
from tfsnn import ConversionConfig, convert
from tfsnn.conversion import (
    counting_model,
    with_dtype_policy,
    with_unit_spikes,
)
from tfsnn.conversion.counting_model import runs_on_counts
from tfsnn.conversion.timetable import timetable
from tfsnn.errors import ConversionError
from tfsnn.graph.trace import trace
from tfsnn.layers import IFCell, SpikingActivation, TimeAverage
from tfsnn.types import NeuronParameters

T = 8
layers = keras.layers


def depthwise(x):
    x = layers.ReLU()(layers.DepthwiseConv2D(3, depth_multiplier=2)(x))
    x = layers.ReLU()(layers.DepthwiseConv2D(3)(x))
    return convertible.classify(layers.ReLU()(layers.AveragePooling2D(2)(x)))


# Without batch norms, whose weights would not be dyadic.
DYADIC = {
    "residual": residual_network,
    "depthwise": lambda: convertible.network(depthwise),
    **{
        name: convertible.CASES[name]
        for name in (
            "concatenated",
            "constant_shortcut",
            "neuron_as_output",
            "pooled_with_softmax",
            "shared_relu",
            "two_outputs",
        )
    },
}
every_dyadic = pytest.mark.parametrize("name", DYADIC)


@functools.cache
def dyadic_conversion(name):
    return convert(make_dyadic(DYADIC[name]()))


def dyadic_parameters(conversion):
    """Powers of two; potentials below zero and above the threshold, too."""
    rng = np.random.default_rng(0)
    parameters = {}
    for number, name in enumerate(conversion.neuron_names):
        channels = conversion.analog.get_layer(name).output.shape[-1]
        threshold = 2.0 ** rng.integers(-2, 1, channels)
        start = threshold * rng.integers(-3, 8, channels) / 4
        bias = rng.integers(-2, 3, channels) / 8 if number % 2 else None
        parameters[name] = NeuronParameters(threshold, start, bias)
    return parameters


def two_phase(conversion, timesteps=T):
    return conversion.spiking_model(
        timesteps, lag=timesteps, parameters=dyadic_parameters(conversion)
    )


def assert_same_counts(counting, model, batch):
    expected = folded_counts(model, batch)
    found = counts(counting, batch)
    assert list(found) == list(expected)
    assert any(count.any() for count in expected.values())
    for name, wanted in expected.items():
        np.testing.assert_array_equal(found[name].counts, wanted)


def assert_same_outputs(counting, model, batch):
    for got, wanted in zip(
        outputs_of(counting, batch), outputs_of(model, batch), strict=True
    ):
        np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("batch_size", [1, 2, 3])
@every_dyadic
def test_dyadic_weights_give_the_same_bits(name, batch_size):
    model = two_phase(dyadic_conversion(name))
    counting = counting_model(model)
    batch = images(batch_size, seed=batch_size)
    assert_same_counts(counting, model, batch)
    assert_same_outputs(counting, model, batch)


@every_dyadic
def test_unit_spikes_give_the_same_bits(name):
    model = with_unit_spikes(two_phase(dyadic_conversion(name)))
    counting = counting_model(model)
    assert_same_counts(counting, model, images(2))
    assert_same_outputs(counting, model, images(2))


RANDOM = ("concatenated", "fused_relus", "pre_activation", "residual")


def covering(conversion, batch):
    """The largest activation as threshold, half of it as potential."""
    names = conversion.neuron_names
    analog = conversion.analog
    outputs = [analog.get_layer(name).output for name in names]
    maxima = [
        np.float32(values.max())
        for values in outputs_of(keras.Model(analog.input, outputs), batch)
    ]
    return {
        name: NeuronParameters(value, value / 2)
        for name, value in zip(names, maxima, strict=True)
    }


@pytest.mark.parametrize("unit", [False, True], ids=["threshold", "unit"])
@pytest.mark.parametrize("name", RANDOM)
def test_random_weights_differ_at_firing_boundaries_only(name, unit):
    conversion = convert(convertible.build(name))
    batch = np.random.default_rng(0).normal(size=(256, *IMAGE_SHAPE))
    batch = batch.astype("float32")
    model = conversion.spiking_model(
        16, lag=16, parameters=covering(conversion, batch)
    )
    model = with_unit_spikes(model) if unit else model
    expected = folded_counts(model, batch)
    for layer, found in counts(counting_model(model), batch).items():
        differ = found.counts != expected[layer]
        # One rounding of a sum that ends next to a whole number.
        assert np.mean(differ) <= 1e-4
        near = np.abs(found.totals - np.round(found.totals))[differ]
        assert np.all(near <= 1e-4)
        if differ.any():
            break  # What follows starts from other spikes.


@pytest.mark.parametrize("name", [*RANDOM, "sequential", "two_outputs"])
def test_many_steps_are_the_analog_network(name):
    conversion = convert(convertible.build(name))
    batch = convertible.make_images(3)
    counting = conversion.count_model(
        65_536, parameters=covering(conversion, batch)
    )
    for got, wanted in zip(
        outputs_of(counting, batch),
        outputs_of(conversion.analog, batch),
        strict=True,
    ):
        # A unit is off by theta / (2 T), and by its float32 total.
        assert np.linalg.norm(got - wanted) <= 1e-2 * np.linalg.norm(wanted)


def test_shortcut_is_the_count_form_of_the_two_phase_model():
    config = ConversionConfig(spikes="unit")
    conversion = convert(convertible.build("residual"), config=config)
    parameters = covering(conversion, images(4))
    model = conversion.spiking_model(T, lag=T, parameters=parameters)
    assert_same_outputs(
        conversion.count_model(T, parameters=parameters),
        counting_model(model),
        images(3),
    )


def test_nothing_of_time_is_left():
    found = kinds(counting_model(spiking(residual_network(), lag=5)))
    assert found.count("CountActivation") == 5
    assert not {"SpikingActivation", "RepeatTime", "TimeAverage"} & set(found)


def test_names_stay():
    model = spiking(classifier(head="softmax"), timesteps=T, lag=T)
    counting = counting_model(model)
    assert counting.name == model.name
    time = (TimeAverage,)
    kept = [x.name for x in model.layers if not isinstance(x, time)]
    assert [x.name for x in counting.layers] == kept


def test_source_is_copied():
    model = two_phase(dyadic_conversion("residual"))
    config, weights = model.get_config(), model.get_weights()
    counting = counting_model(model)
    before = outputs_of(counting, images(2))
    assert model.get_config() == config
    for got, wanted in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(got, wanted)
    model.set_weights([0 * weight + 1 for weight in weights])
    for got, wanted in zip(
        outputs_of(counting, images(2)), before, strict=True
    ):
        np.testing.assert_array_equal(got, wanted)


def test_files_round_trip_before_and_after(tmp_path):
    model = two_phase(dyadic_conversion("residual"))
    model.save(tmp_path / "spiking.keras")
    loaded = keras.models.load_model(tmp_path / "spiking.keras")
    counting = counting_model(loaded)
    counting.save(tmp_path / "counting.keras")
    reloaded = keras.models.load_model(tmp_path / "counting.keras")
    assert_same_outputs(reloaded, model, images(2))


def test_a_constant_that_is_first_integrated():
    conversion = dyadic_conversion("residual")
    model = with_lags(two_phase(conversion), {"first": T})
    counting = counting_model(model)
    assert counting.get_layer("first").temporal_input
    assert_same_counts(counting, model, images(2))


def test_a_constant_current_decides_at_every_step():
    model = two_phase(dyadic_conversion("residual"))
    counting = counting_model(model)
    waits = {
        layer.name: layer.temporal_input
        for layer in counting.layers
        if hasattr(layer, "temporal_input")
    }
    assert waits.pop("first") is False
    assert all(waits.values())


def test_unknown_axes_run():
    image = keras.Input((None, None, 2))
    x = layers.ReLU()(layers.Conv2D(3, 3)(image))
    x = layers.ReLU()(layers.Conv2D(3, 3)(x))
    model = make_dyadic(keras.Model(image, x))
    model = spiking(model, timesteps=T, lag=T)
    assert_same_outputs(counting_model(model), model, images(2))


def test_outputs_keep_the_dtype_of_the_readout():
    model = two_phase(dyadic_conversion("residual"))
    half = with_dtype_policy(with_unit_spikes(model), "mixed_bfloat16")
    counting = counting_model(half)
    found = [tensor.dtype for tensor in counting.outputs]
    assert found == [tensor.dtype for tensor in half.outputs]
    neuron = counting.get_layer("inner")
    assert neuron.compute_dtype == "bfloat16"
    assert neuron.cell.compute_dtype == "float32"
    # Few steps and weights of few bits: nothing is rounded yet.
    assert_same_counts(counting, half, images(2))


@pytest.mark.parametrize("jit", [False, True], ids=["graph", "xla"])
def test_compiled_model_gives_the_same_bits(jit):
    model = two_phase(dyadic_conversion("concatenated"))
    counting = counting_model(model)
    run = tf.function(counting, jit_compile=jit)
    np.testing.assert_array_equal(
        run(images(3)), outputs_of(model, images(3))[0]
    )


def refused(model, text):
    with pytest.raises(ConversionError, match=text):
        counting_model(model)
    assert not runs_on_counts(timetable(trace(model)))


@pytest.mark.parametrize("lag", [0, 1, T - 1])
def test_another_lag_is_refused(lag):
    refused(
        spiking(classifier(), timesteps=T, lag=lag),
        rf"'second' \(SpikingActivation\) has a temporal current, lag={lag}"
        rf" and T={T}. Supported: affine layers.*\(timesteps, lag=timesteps\)",
    )


def test_a_constant_that_is_integrated_for_a_while_is_refused():
    model = spiking(classifier(), timesteps=T, lag=T)
    refused(with_lags(model, {"first": 3}), "'first'.*constant current, lag=3")


def test_hard_reset_is_refused():
    refused(
        spiking(classifier(), timesteps=T, lag=T, reset="hard"),
        "'first'.*has reset='hard'",
    )


def test_a_temporal_bias_is_refused():
    charges = np.zeros((T, 5))
    charges[0] = 1.0
    parameters = NeuronParameters(
        np.array(1.0), np.array(0.5), temporal_bias=charges
    )
    refused(
        spiking(
            classifier(),
            timesteps=T,
            lag=T,
            parameters={"second": parameters},
        ),
        "'second'.*has a temporal bias",
    )


@keras.saving.register_keras_serializable(package="tests")
class OwnCell(IFCell):
    """A neuron of someone's own."""


def by_hand(between, cell=None):
    image = keras.Input((4,))
    x = SpikingActivation(T, temporal_input=False)(image)
    x = SpikingActivation(T, cell, lag=T, name="last")(between(x))
    return keras.Model(image, TimeAverage(T)(x))


def test_another_cell_is_refused():
    refused(by_hand(layers.Dense(2), OwnCell()), "'last'.*own kind .OwnCell")


BETWEEN = {
    "tanh": layers.Activation("tanh", name="between"),
    "fused": layers.Dense(3, activation="relu", name="between"),
    "pool": keras.Sequential(
        [
            layers.Reshape((2, 2)),
            layers.MaxPooling1D(2, name="between"),
            layers.Flatten(),
        ]
    ),
}


@pytest.mark.parametrize("between", BETWEEN.values(), ids=BETWEEN)
def test_what_is_not_affine_is_refused(between):
    refused(by_hand(between), r"'between' \(.*\) is not affine")


def test_plain_networks_are_refused():
    with pytest.raises(ConversionError, match="0 SpikingActivation layers"):
        counting_model(classifier())


def test_what_is_no_model_is_refused():
    with pytest.raises(TypeError, match=r"model is a builtins\.str"):
        counting_model("model.keras")


@pytest.mark.parametrize(
    "make, wanted",
    [
        pytest.param(lambda model: model, True, id="float32"),
        pytest.param(
            lambda model: with_dtype_policy(model, "float64"),
            True,
            id="float64",
        ),
        pytest.param(
            lambda model: with_dtype_policy(model, "mixed_bfloat16"),
            False,
            id="means-would-be-rounded",
        ),
    ],
)
def test_runs_on_counts_where_means_are_exact(make, wanted):
    model = make(spiking(residual_network(), timesteps=T, lag=T))
    assert runs_on_counts(timetable(trace(model))) == wanted


def test_networks_without_lag_keep_their_steps():
    image = keras.Input((4,))
    model = spiking(keras.Model(image, layers.ReLU()(image)), timesteps=T)
    assert not runs_on_counts(timetable(trace(model)))
    # Its only neuron has a constant current, so there is a count form.
    assert_same_outputs(
        counting_model(model), model, np.float32([[-1, 0.25, 0.75, 3]])
    )
