"""The shipped ResNet-20: parts add up, and the sabotaged layer is named."""

import keras
import numpy as np
import pytest

from tfsnn import calibrate, convert, diagnose, pipelines
from tfsnn_tools import data_sources, shipped
from tfsnn_tools.data_readers import Request

pytestmark = pytest.mark.slow
T = 4
EVERY_T = (4, 8, 32)


@pytest.fixture(scope="module")
def network():
    return keras.models.load_model(shipped.network("resnet20_fashion_mnist"))


@pytest.fixture(scope="module")
def images(network):
    found, _ = data_sources.load(
        f"npz:{shipped.sample('fashion_mnist')}:calibration",
        Request(network.inputs[0].shape[1:], 32),
    )
    return found


@pytest.fixture(scope="module")
def conversion(network):
    return convert(network)


@pytest.fixture(scope="module")
def calibrated(conversion, images):
    return calibrate(
        conversion,
        images,
        timesteps=EVERY_T,
        pipeline=pipelines.light(iterations=1),
    )


@pytest.fixture(scope="module")
def model(conversion, images):
    result = calibrate(
        conversion, images, timesteps=[T], pipeline=pipelines.uncalibrated()
    )
    return result[T]


def tapped(model, images):
    """Outputs of every neuron layer and the logits, by Keras alone."""
    outputs = {
        layer.name: layer.output
        for layer in model.layers
        if layer.name.endswith("_relu")
    }
    outputs["logits"] = model.output
    found = keras.Model(model.input, outputs).predict(images, verbose=0)
    return {name: value.astype("float64") for name, value in found.items()}


@pytest.mark.parametrize("timesteps", EVERY_T)
def test_parts_add_up_to_what_keras_finds(
    network, conversion, calibrated, images, timesteps
):
    """The error of each layer against both networks, run by Keras."""
    found = diagnose(calibrated[timesteps], images, reference=network)
    analog = tapped(conversion.analog, images)
    trains = tapped(calibrated[timesteps], images)
    *layers, readout = found.layers
    assert len(layers) == 19
    for layer in layers:
        target = analog[layer.name]
        mean = trains[layer.name].reshape(timesteps, *target.shape).mean(0)
        error = np.sum((target - mean) ** 2) / np.sum(target**2)
        # Other batches and other forms: float32 sums in another order decide
        # a few of a million ties.
        assert layer.error == pytest.approx(error, rel=1e-2)
        assert sum(layer.contributions.values()) == pytest.approx(
            layer.error, rel=1e-6
        )
    gap = analog["logits"] - trains["logits"]
    error = np.sum(gap**2) / np.sum(analog["logits"] ** 2)
    assert found.logit_error == pytest.approx(error, rel=1e-2)
    assert readout.error == pytest.approx(error, rel=1e-2)
    assert sum(layer.enters for layer in found.layers) == pytest.approx(1)


@pytest.mark.parametrize(
    "name", ["stage1_block3_1_relu", "stage3_block1_2_relu"]
)
def test_the_sabotaged_layer_is_named(network, images, model, name):
    cell = model.get_layer(name).cell
    before = cell.get_weights()
    cell.set_weights([0.05 * values for values in before])
    try:
        found = diagnose(model, images, reference=network)
    finally:
        cell.set_weights(before)
    assert f"enters at '{name}', mostly by clipping" in found.explanation
