"""The shipped ResNet-20: parts add up, and the sabotaged layer is named."""

import keras
import pytest

from tfsnn import calibrate, convert, diagnose, pipelines
from tfsnn_tools import data_sources, shipped

pytestmark = pytest.mark.slow
T = 4


@pytest.fixture(scope="module")
def network():
    return keras.models.load_model(shipped.network("resnet20_fashion_mnist"))


@pytest.fixture(scope="module")
def images(network):
    found, _ = data_sources.load(
        f"npz:{shipped.sample('fashion_mnist')}:calibration",
        max_images=32,
        input_shape=network.inputs[0].shape[1:],
        seed=0,
    )
    return found


@pytest.fixture(scope="module")
def model(network, images):
    result = calibrate(
        convert(network),
        images,
        timesteps=[T],
        pipeline=pipelines.uncalibrated(),
    )
    return result[T]


def test_parts_add_up(network, images, model):
    found = diagnose(model, images, reference=network)
    for layer in found.layers:
        total = sum(layer.contributions.values())
        assert total == pytest.approx(layer.error, rel=1e-9, abs=1e-12)
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
