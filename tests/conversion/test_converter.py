import functools

import keras
import numpy as np
import pytest

from tests.support.convertible import (
    CASES,
    build,
    classify,
    conv,
    make_images,
    network,
)
from tests.support.networks import kinds, outputs_of
from tfsnn import ConversionConfig, check, convert
from tfsnn.errors import ConversionError, UnsupportedLayerError
from tfsnn.types import NeuronParameters

layers = keras.layers
every_case = pytest.mark.parametrize("name", CASES)


@functools.cache
def converted(name):
    return convert(build(name))


def test_refuses_with_every_finding():
    def function(x):
        x = layers.UnitNormalization()(conv(x, activation="swish"))
        return classify(layers.ReLU()(conv(x)))

    model = network(function)
    with pytest.raises(UnsupportedLayerError) as caught:
        convert(model)
    assert caught.value.findings == check(model)
    assert str(caught.value) == str(check(model))
    assert len(caught.value.findings) == 2


@pytest.mark.parametrize("builtin", [TypeError, ValueError, ConversionError])
def test_refusals_are_builtin_errors_too(builtin):
    with pytest.raises(builtin, match="no ReLU"):
        convert(network(classify))


def test_an_unbuilt_model_is_refused():
    with pytest.raises(ConversionError, match="'late' has no input shape yet"):
        convert(keras.Sequential([layers.ReLU()], name="late"))


def test_what_is_no_model_is_refused():
    with pytest.raises(TypeError, match=r"model is a builtins\.str"):
        convert("model.keras")


@every_case
def test_prepared_outputs_are_those_of_the_source(name):
    conversion = converted(name)
    assert conversion.difference <= 1e-4
    expected = outputs_of(build(name), make_images())
    for a, b in zip(
        outputs_of(conversion.analog, make_images()), expected, strict=True
    ):
        assert np.abs(a - b).max() <= 1e-4 * np.abs(b).max()


@every_case
def test_the_source_stays_as_it_is(name):
    model = build(name)
    weights = model.get_weights()
    outputs = outputs_of(model, make_images())
    config = model.get_config()
    convert(model).spiking_model(2)
    assert model.get_config() == config  # With every call of every layer.
    for a, b in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(outputs_of(model, make_images()), outputs, strict=True):
        np.testing.assert_array_equal(a, b)


@every_case
def test_every_relu_becomes_a_neuron(name):
    conversion = converted(name)
    spiking = conversion.spiking_model(3)
    neurons = [
        layer.name
        for layer in spiking.layers
        if type(layer).__name__ == "SpikingActivation"
    ]
    # A model lists parallel layers in an order of its own.
    assert sorted(neurons) == sorted(conversion.neuron_names)
    assert len(neurons) == check(build(name)).num_neuron_layers
    assert not [kind for kind in kinds(spiking) if "relu" in kind.lower()]


def test_names_of_neurons():
    def function(x):
        x = layers.ReLU(name="first")(conv(x))
        return classify(conv(x, activation="relu", name="second"))

    assert convert(network(function)).neuron_names == ["first", "second_relu"]


def test_average_pools_stay_linear_by_default():
    conversion = converted("pooled_with_softmax")
    assert "AveragePooling2D" in kinds(conversion.analog)
    assert len(conversion.neuron_names) == 2


@pytest.mark.parametrize("name", ["sequential", "residual"])
def test_equalised(name):
    """Weights differ, outputs do not."""
    plain, even = (
        convert(build(name), config=ConversionConfig(equalise=equalise))
        for equalise in (False, True)
    )
    weights = [c.analog.get_weights() for c in (plain, even)]
    assert any((a != b).any() for a, b in zip(*weights, strict=True))
    assert even.difference < 1e-5  # float32
    assert even.neuron_names == plain.neuron_names


def test_average_pools_with_a_neuron():
    config = ConversionConfig(average_pool="neuron")
    conversion = convert(build("pooled_with_softmax"), config=config)
    assert conversion.config == config
    assert "AveragePooling2D" not in kinds(conversion.spiking_model(2))
    assert "DepthwiseConv2D" in kinds(conversion.analog)
    assert len(conversion.neuron_names) == 3


def test_hard_reset_reaches_the_neurons():
    conversion = convert(
        build("relu_layers"), config=ConversionConfig(reset="hard")
    )
    spiking = conversion.spiking_model(2)
    for name in conversion.neuron_names:
        assert spiking.get_layer(name).cell.reset == "hard"


@pytest.mark.parametrize("reset", ["soft", "hard"])
def test_unit_spikes_give_the_outputs_of_threshold_spikes(reset):
    threshold = NeuronParameters(np.float32(0.5), np.float32(0.25))
    outputs = []
    for spikes in ("threshold", "unit"):
        config = ConversionConfig(reset=reset, spikes=spikes)
        conversion = convert(build("relu_layers"), config=config)
        parameters = dict.fromkeys(conversion.neuron_names, threshold)
        model = conversion.spiking_model(4, parameters=parameters)
        outputs.append(outputs_of(model, make_images()))
    cells = [model.get_layer(name).cell for name in conversion.neuron_names]
    assert [float(cell.threshold) for cell in cells] == [1] * len(cells)
    # The threshold is a power of two: scaling by it rounds nothing.
    np.testing.assert_array_equal(*outputs)


def test_is_immutable():
    with pytest.raises(AttributeError, match="difference"):
        converted("relu_layers").difference = 0


def test_parameters_of_unknown_neurons_are_refused():
    with pytest.raises(ValueError, match=r"no neuron of this network: \['x'\]"):
        converted("relu_layers").spiking_model(2, parameters={"x": None})


@pytest.mark.parametrize("timesteps", [0, -1, 2.5, True, "8", None])
def test_timesteps_out_of_range_are_refused(timesteps):
    with pytest.raises(ValueError, match="timesteps=.*at least 1"):
        converted("relu_layers").spiking_model(timesteps)


@pytest.mark.parametrize("lag", [-1, 5, 0.5])
def test_lag_out_of_range_is_refused(lag):
    with pytest.raises(ValueError, match="lag=.*0...4"):
        converted("relu_layers").spiking_model(4, lag=lag)


def test_a_reloaded_zoo_network_converts(tmp_path):
    """Slices come back from a file as lists, which are no tuples."""
    from tfsnn_models import registry

    path = tmp_path / "resnet.keras"
    registry.build("resnet20", width=2, input_shape=(8, 8, 3)).save(path)
    conversion = convert(keras.models.load_model(path))
    assert len(conversion.neuron_names) == 19
