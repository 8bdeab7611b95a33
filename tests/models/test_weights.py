"""What ships and what its cards say."""

import hashlib
import json

import pytest

from tfsnn_models import datasets, registry
from tfsnn_tools import shipped

NETWORKS = {
    "resnet20_fashion_mnist": 0.93,
    "resnet20_cifar10": 0.90,
    "vgg16_quarter_cifar10": 0.88,
    "mobilenet_half_cifar10": 0.86,
}


@pytest.mark.parametrize("name", NETWORKS)
def test_card_belongs_to_the_file(name):
    file = shipped.network(name)
    card = json.loads(file.with_suffix(".json").read_text())
    assert hashlib.sha256(file.read_bytes()).hexdigest() == card["sha256"]
    assert card["test_accuracy"] >= NETWORKS[name]
    assert card["command"].startswith("tfsnn train ")


@pytest.mark.parametrize("name", NETWORKS)
def test_file_fits_the_network_of_the_zoo(name):
    card = json.loads(shipped.network(name).with_suffix(".json").read_text())
    data = datasets.CARDS[card["dataset"]]
    model = registry.build(
        card["network"],
        input_shape=data.input_shape,
        num_classes=data.num_classes,
        pixel_mean=data.pixel_mean,
        pixel_std=data.pixel_std,
        **card.get("options", {}),
    )
    model.load_weights(shipped.network(name))
    assert model.count_params() == card["parameters"]
