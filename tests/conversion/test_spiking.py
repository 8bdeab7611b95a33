import functools

import keras
import numpy as np
import pytest

from tests.reference.neuron import integrate_and_fire
from tests.support.convertible import (
    build,
    classify,
    conv,
    dyadic,
    make_images,
    network,
)
from tests.support.networks import kinds, outputs_of
from tfsnn import convert
from tfsnn.conversion.spiking import neuron_layer
from tfsnn.dynamics import IntegrateAndFire
from tfsnn.types import NeuronParameters

layers = keras.layers


@functools.cache
def converted(name):
    return convert(build(name))


def covering(conversion, images):
    """Thresholds that no activation exceeds, half of them as charge."""
    graph = conversion.graph
    calls = [c for c in graph if c.name in conversion.neuron_names]
    outputs = [c.output_tensors[0] for c in calls]
    probe = keras.Model(conversion.analog.input, outputs)
    parameters = {}
    for call, values in zip(calls, outputs_of(probe, images), strict=True):
        threshold = np.float32(max(values.max(), 1e-3) * 1.01)
        parameters[call.name] = NeuronParameters(threshold, threshold / 2)
    return parameters


def test_one_layer_answers_within_half_a_step():
    conversion = convert(network(lambda x: layers.ReLU(name="neuron")(conv(x))))
    images = make_images()
    parameters = covering(conversion, images)
    spiking = conversion.spiking_model(1024, lag=1024, parameters=parameters)
    difference = spiking(images) - conversion.analog(images)
    # theta / (2 T), and a little for float32 at the boundaries.
    bound = parameters["neuron"].threshold / 2048
    assert np.abs(difference).max() <= bound * 1.001


@pytest.mark.parametrize(
    "name", ["pre_activation", "concatenated", "residual", "sequential"]
)
def test_two_phase_with_many_steps_is_the_network(name):
    conversion = converted(name)
    images = make_images(2)
    spiking = conversion.spiking_model(
        256, lag=256, parameters=covering(conversion, images)
    )
    for got, expected in zip(
        outputs_of(spiking, images),
        outputs_of(build(name), images),
        strict=True,
    ):
        # Each neuron is off by theta / 512 at most, and these add up.
        assert np.abs(got - expected).max() <= 0.02 * np.abs(expected).max()


def stem_shortcut():
    """Dense layers, a constant shortcut from the stem over the first neuron."""
    x = keras.Input((4,))
    stem = layers.Dense(4, name="a")(x)
    y = layers.Dense(4, name="b")(layers.ReLU()(stem))
    y = layers.ReLU()(layers.Add()([y, stem]))
    return dyadic(keras.Model(x, layers.Dense(2, name="c")(y)))


@pytest.mark.parametrize("batch", [1, 2, 3])
@pytest.mark.parametrize("lag", [0, 2, 4])
def test_a_constant_shortcut_is_there_at_every_step(batch, lag):
    model, timesteps = stem_shortcut(), 4
    images = make_images(batch, (4,), seed=batch)
    spiking = convert(model).spiking_model(timesteps, lag=lag)
    assert kinds(spiking).count("RepeatTime") == 1

    a, b, c = (model.get_layer(name).get_weights() for name in "abc")
    stem = images @ a[0] + a[1]
    first = integrate_and_fire([stem] * timesteps, 1.0, 0.5).spikes
    current = [spikes @ b[0] + b[1] + stem for spikes in first]
    second = integrate_and_fire(current, 1.0, 0.5, lag=lag).spikes
    expected = np.mean([spikes @ c[0] + c[1] for spikes in second], axis=0)
    # Dyadic numbers: nothing rounds.
    np.testing.assert_array_equal(spiking(images), expected)


def test_a_constant_is_repeated_once_for_all_its_readers():
    def function(x):
        y = layers.ReLU()(conv(x, 2))
        for _ in range(2):
            y = layers.ReLU()(layers.Add()([conv(y, 2), x]))
        return classify(y)

    spiking = convert(network(function)).spiking_model(3)
    assert kinds(spiking).count("RepeatTime") == 1


def test_no_time_before_the_first_neuron():
    def function(x):
        x = layers.Concatenate()([conv(x), conv(x)])
        return classify(layers.ReLU(name="neuron")(x))

    spiking = convert(network(function)).spiking_model(3)
    assert "RepeatTime" not in kinds(spiking)
    assert not spiking.get_layer("neuron").temporal_input


def test_neurons_with_a_constant_current_have_no_lag():
    conversion = converted("residual")
    spiking = conversion.spiking_model(4, lag=3)
    lags = [spiking.get_layer(n).lag for n in conversion.neuron_names]
    assert lags == [0, 3, 3]


def test_a_head_comes_after_the_average():
    logits = network(lambda x: classify(layers.ReLU()(conv(x))), name="logits")
    dyadic(logits)
    model = keras.Model(logits.inputs[0], layers.Softmax()(logits.outputs[0]))
    images = make_images()
    averaged = convert(logits).spiking_model(2)(images)
    got = convert(model).spiking_model(2)
    assert kinds(got)[-2:] == ["TimeAverage", "Softmax"]
    np.testing.assert_allclose(
        got(images), keras.ops.softmax(averaged), rtol=1e-6
    )


def test_what_a_head_meets_is_averaged_too():
    def function(x):
        y = layers.ReLU()(conv(x))
        logits = classify(layers.ReLU()(conv(y)))
        other = layers.Dense(4, name="other")(layers.Flatten()(y))
        return logits, other

    both = dyadic(network(function))
    logits, other = both.outputs
    total = layers.Add()([layers.Softmax()(logits), other])
    images = make_images()
    a, b = outputs_of(convert(both).spiking_model(3), images)
    got = convert(keras.Model(both.input, total)).spiking_model(3)
    assert kinds(got).count("TimeAverage") == 2
    np.testing.assert_allclose(
        got(images), keras.ops.softmax(a) + b, rtol=1e-6, atol=1e-6
    )


def test_every_output_is_averaged():
    images = make_images()
    spiking = converted("two_outputs").spiking_model(2)
    assert kinds(spiking).count("TimeAverage") == 2
    outputs = spiking(images)
    assert outputs["classes"].shape == (3, 4)
    assert outputs["maps"].shape == (3, 6, 6, 3)


def test_one_output_read_twice_is_averaged_once():
    def function(x):
        x = classify(layers.ReLU()(conv(x)))
        return [x, layers.Softmax()(x)]

    spiking = convert(network(function)).spiking_model(2)
    assert kinds(spiking).count("TimeAverage") == 1


@pytest.mark.parametrize("name", ["readout", "repeat_time"])
def test_names_of_the_user_are_kept(name):
    def function(x):
        y = conv(layers.ReLU()(conv(x, 2)), 2, name=name)
        return classify(layers.ReLU()(layers.Add()([y, x])))

    spiking = convert(network(function)).spiking_model(2)
    assert type(spiking.get_layer(name)) is layers.Conv2D


def test_name_tells_the_timesteps():
    assert converted("residual").spiking_model(5).name == "net_t5"


def test_weights_are_copies():
    conversion = converted("relu_layers")
    first, second = (conversion.spiking_model(2) for _ in range(2))
    before = outputs_of(second, make_images())
    first.set_weights([np.zeros_like(w) for w in first.get_weights()])
    np.testing.assert_array_equal(outputs_of(second, make_images()), before)


def test_default_parameters():
    conversion = converted("relu_layers")
    cell = (
        conversion.spiking_model(2).get_layer(conversion.neuron_names[0]).cell
    )
    assert (float(cell.threshold), float(cell.initial_potential)) == (1, 0.5)
    assert cell.bias is None


def test_parameters_are_written_in_their_granularity():
    conversion = converted("relu_layers")
    parameters = NeuronParameters(
        np.float32([1, 2, 3]),
        np.full((6, 6, 3), 0.25, "float32"),
        np.float32(0.5),
    )
    name = conversion.neuron_names[0]
    spiking = conversion.spiking_model(2, parameters={name: parameters})
    cell = spiking.get_layer(name).cell
    np.testing.assert_array_equal(cell.threshold, [1, 2, 3])
    np.testing.assert_array_equal(
        cell.initial_potential, parameters.initial_potential
    )
    assert float(cell.bias) == 0.5


def test_parameters_of_another_shape_are_refused():
    conversion = converted("relu_layers")
    name = conversion.neuron_names[0]
    parameters = NeuronParameters(np.ones(7), np.ones(7))
    with pytest.raises(ValueError, match=r"shape \(7,\) does not fit"):
        conversion.spiking_model(2, parameters={name: parameters})


def test_neuron_layer_has_its_clock():
    layer = neuron_layer(
        "n",
        None,
        feature_shape=(3,),
        kind=IntegrateAndFire(),
        dtype="float32",
        timesteps=4,
        lag=2,
        temporal_input=True,
    )
    assert (layer.name, layer.timesteps, layer.lag) == ("n", 4, 2)


@pytest.mark.parametrize(
    ("policy", "dtype"),
    [
        ("bfloat16", "float32"),
        ("float16", "float32"),
        ("mixed_bfloat16", "float32"),
        ("float32", "float32"),
        ("float64", "float64"),
    ],
)
def test_potentials_are_never_kept_in_half(policy, dtype):
    x = keras.Input((4,))
    current = layers.Dense(3, dtype=policy)(x)
    model = keras.Model(x, layers.ReLU(name="neuron", dtype=policy)(current))
    neuron = convert(model).spiking_model(2).get_layer("neuron")
    assert neuron.cell.threshold.dtype == dtype
    assert neuron.cell.initial_potential.dtype == dtype
    assert neuron.compute_dtype == model.get_layer("neuron").compute_dtype
