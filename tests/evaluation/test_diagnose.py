"""Parts that add up, and a sentence that names the right layer."""

import json

import keras
import numpy as np
import pytest

from tests.support.convertible import build as convertible
from tests.support.networks import with_random_weights
from tests.support.spiking_networks import IMAGE_SHAPE, classifier, images
from tfsnn.calibration import calibrate, pipelines
from tfsnn.conversion import ConversionConfig, convert
from tfsnn.errors import ConversionError, DataError
from tfsnn.evaluation import Diagnosis, diagnose, mean_outputs
from tfsnn.numerics.error_parts import PARTS
from tfsnn.types import NeuronParameters

layers = keras.layers
IMAGES = images(40)
T = 4


def deep():
    """Three neurons, a shortcut, logits."""
    image = keras.Input(IMAGE_SHAPE)
    x = layers.ReLU(name="one")(layers.Conv2D(6, 3, padding="same")(image))
    y = layers.Conv2D(6, 3, padding="same")(x)
    y = layers.ReLU(name="two")(layers.Add()([y, x]))
    z = layers.ReLU(name="three")(layers.Conv2D(6, 3, padding="same")(y))
    z = layers.GlobalAveragePooling2D()(z)
    model = keras.Model(image, layers.Dense(4, name="classes")(z))
    return with_random_weights(model, np.random.default_rng(3))


@pytest.fixture(scope="module")
def conversion():
    return convert(deep())


@pytest.fixture(scope="module")
def calibrated(conversion):
    return calibrate(
        conversion, IMAGES, timesteps=[T], pipeline=pipelines.light()
    )


CLOCKS = {"pipelined": 0, "two-phase": T}


@pytest.fixture(scope="module", params=CLOCKS)
def diagnosis(request, conversion, calibrated):
    model = conversion.spiking_model(
        T, lag=CLOCKS[request.param], parameters=calibrated.parameters[T]
    )
    return diagnose(model, IMAGES, reference=conversion, num_images=40)


def test_parts_add_up_to_the_error(diagnosis):
    for layer in diagnosis.layers:
        assert set(layer.contributions) == set(PARTS)
        # Sums of float64 products of up to 1e4 values.
        assert sum(layer.contributions.values()) == pytest.approx(
            layer.error, rel=1e-9, abs=1e-12
        )
        assert layer.norm**2 == pytest.approx(layer.error)


def test_what_enters_adds_up_to_all(diagnosis):
    shares = [layer.enters for layer in diagnosis.layers]
    assert sum(shares) == pytest.approx(1, rel=1e-9)


def test_layers_come_in_order(diagnosis):
    names = [layer.name for layer in diagnosis.layers]
    assert names == ["one", "two", "three", "readout"]
    assert diagnosis.layers[0].contributions["inherited"] == 0


def test_errors_are_those_of_the_models(conversion, calibrated):
    model = calibrated[T]
    found = diagnose(model, IMAGES, reference=conversion, num_images=40)
    analog, spiking = (
        np.asarray(one(IMAGES), "float64") for one in (conversion.analog, model)
    )
    error = np.sum((analog - spiking) ** 2) / np.sum(analog**2)
    # Logits here come from means, there from a mean of logits, float32.
    assert found.logit_error == pytest.approx(error, rel=1e-4)
    same = np.argmax(analog, 1) == np.argmax(spiking, 1)
    assert found.agreement == np.mean(same)
    correlation = np.corrcoef(analog.ravel(), spiking.ravel())[0, 1]
    assert found.correlation == pytest.approx(correlation, rel=1e-5)
    tap = conversion.analog.get_layer("two").output
    target = np.asarray(keras.Model(conversion.analog.input, tap)(IMAGES))
    layer = model.get_layer("two")
    train = np.asarray(keras.Model(model.input, layer.output)(IMAGES))
    mean = train.reshape(T, 40, *train.shape[1:]).mean(0)
    error = np.sum((target - mean) ** 2) / np.sum(target**2)
    assert found.layers[1].error == pytest.approx(error, rel=1e-4)


def test_two_phase_spikes_are_never_uneven(conversion, calibrated):
    model = conversion.spiking_model(
        T, lag=T, parameters=calibrated.parameters[T]
    )
    found = diagnose(model, IMAGES, reference=conversion)
    # The first layer has a constant current, and no neuron rounds in float64.
    for layer in found.layers[1:]:
        assert layer.sizes["unevenness"] < 1e-3 * layer.error


def test_step_by_step_finds_the_same(conversion, calibrated, monkeypatch):
    folded = diagnose(calibrated[T], IMAGES, reference=conversion)
    monkeypatch.setattr(mean_outputs, "folded_timesteps", lambda: 0)
    stepped = diagnose(calibrated[T], IMAGES, reference=conversion)
    for one, other in zip(folded.layers, stepped.layers, strict=True):
        assert one.error == pytest.approx(other.error, rel=1e-3)
        assert one.enters == pytest.approx(other.enters, abs=1e-3)


def test_pipelined_spikes_are_uneven(conversion, calibrated):
    found = diagnose(calibrated[T], IMAGES, reference=conversion)
    assert found.layers[2].sizes["unevenness"] > 1e-3


def test_only_calibration_corrects(conversion, calibrated):
    bare = {
        name: values.replace(bias=None)
        for name, values in calibrated.parameters[T].items()
    }
    plain = conversion.spiking_model(T, parameters=bare)
    for model, corrected in ((plain, False), (calibrated[T], True)):
        found = diagnose(model, IMAGES, reference=conversion)
        sizes = [layer.sizes["correction"] for layer in found.layers]
        assert (sum(sizes) > 1e-9) == corrected


SABOTAGE = {"clipping": 0.1, "rounding": 30.0}


@pytest.mark.parametrize("part", SABOTAGE)
@pytest.mark.parametrize("name", ["one", "two", "three"])
def test_the_sabotaged_layer_is_named(conversion, calibrated, name, part):
    parameters = dict(calibrated.parameters[T])
    values = parameters[name]
    factor = SABOTAGE[part]
    parameters[name] = values.replace(
        threshold=values.threshold * factor,
        initial_potential=values.initial_potential * factor,
    )
    model = conversion.spiking_model(T, lag=T, parameters=parameters)
    found = diagnose(model, IMAGES, reference=conversion)
    worst = max(found.layers, key=lambda layer: layer.enters)
    assert worst.name == name
    assert f"enters at '{name}', mostly by {part}" in found.explanation
    assert (worst.clipped > 0.3) == (part == "clipping")


def test_local_errors_make_the_bound(conversion, calibrated):
    """Eq. 12 with one layer: the bound is the error itself."""
    found = diagnose(calibrated[T], IMAGES, reference=conversion)
    first = found.layers[0]
    assert first.bound == pytest.approx(first.norm, rel=1e-6)
    assert all(layer.bound > 0 for layer in found.layers)


def test_the_bound_takes_weights_on(conversion, calibrated):
    """A doubled kernel doubles what it takes on."""
    source = deep()
    kernel, bias = source.get_layer("classes").get_weights()
    source.get_layer("classes").set_weights([2 * kernel, bias])
    doubled = convert(source)
    bounds = []
    for one in (conversion, doubled):
        model = one.spiking_model(T, parameters=calibrated.parameters[T])
        found = diagnose(model, IMAGES, reference=one)
        logits = np.asarray(one.analog(IMAGES), "float64")
        bounds.append(found.layers[-1].bound * np.linalg.norm(logits))
    assert bounds[1] == pytest.approx(2 * bounds[0], rel=1e-4)


def test_many_steps_explain_nothing(conversion, calibrated):
    many = calibrated.parameters[T]
    peaks = {
        name: NeuronParameters(np.float32(50.0), np.float32(25.0))
        for name in many
    }
    model = conversion.spiking_model(2**18, lag=2**18, parameters=peaks)
    found = diagnose(model, IMAGES, reference=conversion)
    assert "There is nothing to explain." in found.explanation


@pytest.mark.parametrize("name", ["relu_functions", "pre_activation"])
def test_other_networks_add_up(name):
    source = convertible(name)
    result = calibrate(source, images(16), timesteps=[4])
    found = diagnose(result[4], images(8), reference=source)
    assert sum(layer.enters for layer in found.layers) == pytest.approx(1)
    for layer in found.layers:
        total = sum(layer.contributions.values())
        assert total == pytest.approx(layer.error, rel=1e-9, abs=1e-12)


def test_every_kind_of_neuron_adds_up():
    conversion = convert(classifier(), config=ConversionConfig(neuron="burst"))
    result = calibrate(conversion, images(16), timesteps=[2])
    found = diagnose(result[2], images(8), reference=conversion)
    for layer in found.layers:
        total = sum(layer.contributions.values())
        assert total == pytest.approx(layer.error, rel=1e-9, abs=1e-12)


def test_unknown_axes_are_run_folded():
    image = keras.Input((None, None, 2))
    x = layers.ReLU(name="one")(layers.Conv2D(3, 3)(image))
    x = layers.GlobalAveragePooling2D()(x)
    source = keras.Model(image, layers.Dense(3)(x))
    model = convert(source).spiking_model(3)
    found = diagnose(model, images(4), reference=source)
    assert sum(layer.enters for layer in found.layers) == pytest.approx(1)


def test_record_and_back(diagnosis):
    values = json.loads(diagnosis.to_json())
    assert Diagnosis.from_dict(values) == diagnosis
    assert values["explanation"] == str(diagnosis)


def test_images_may_have_labels(conversion, calibrated):
    model = calibrated[T]
    bare = diagnose(model, IMAGES, reference=conversion, num_images=5)
    stream = ((image, 0) for image in IMAGES)
    paired = diagnose(model, stream, reference=conversion, num_images=5)
    assert bare.num_images == paired.num_images == 5
    assert bare.layers == paired.layers


def test_refusals(conversion, calibrated):
    model = calibrated[T]
    with pytest.raises(ConversionError, match="neurons .* beside those of"):
        diagnose(model, IMAGES, reference=classifier())
    with pytest.raises(ValueError, match="num_images=0"):
        diagnose(model, IMAGES, reference=conversion, num_images=0)
    with pytest.raises(DataError, match="Received no images"):
        diagnose(model, [], reference=conversion)
    with pytest.raises(ConversionError, match="SpikingActivation layers"):
        diagnose(conversion.analog, IMAGES, reference=conversion)


def test_spikes_of_one_are_in_other_units(conversion):
    unit = convert(deep(), config=ConversionConfig(spikes="unit"))
    with pytest.raises(ConversionError, match=r"spikes of \{0, 1\}"):
        diagnose(unit.spiking_model(T), IMAGES, reference=conversion)


def test_weights_of_another_shape(calibrated):
    image = keras.Input(IMAGE_SHAPE)
    x = layers.ReLU(name="one")(layers.Conv2D(6, 5, padding="same")(image))
    x = layers.ReLU(name="two")(layers.Conv2D(6, 3, padding="same")(x))
    x = layers.ReLU(name="three")(layers.Conv2D(6, 3, padding="same")(x))
    x = layers.GlobalAveragePooling2D()(x)
    other = keras.Model(image, layers.Dense(4, name="classes")(x))
    with pytest.raises(ConversionError, match="other weights than"):
        diagnose(calibrated[T], IMAGES, reference=other)


def test_one_output_has_no_classes():
    image = keras.Input(IMAGE_SHAPE)
    x = layers.Conv2D(4, 3, activation="relu")(image)
    x = layers.Dense(1)(layers.GlobalAveragePooling2D()(x))
    model = with_random_weights(keras.Model(image, x), np.random.default_rng(3))
    conversion = convert(model)
    found = diagnose(conversion.spiking_model(T), IMAGES, reference=conversion)
    assert found.agreement is None
    assert "class" not in found.explanation
    assert Diagnosis.from_dict(json.loads(found.to_json())) == found
