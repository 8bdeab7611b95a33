"""What ships and what its cards say."""

import hashlib
import json

import pytest

from tfsnn_models import datasets, registry
from tfsnn_tools import shipped

NETWORKS = {"resnet20_fashion_mnist": 0.93, "resnet20_cifar10": 0.90}


@pytest.mark.parametrize("name", NETWORKS)
def test_card_belongs_to_the_file(name):
    file = shipped.network(name)
    card = json.loads(file.with_suffix(".json").read_text())
    assert hashlib.sha256(file.read_bytes()).hexdigest() == card["sha256"]
    assert card["test_accuracy"] >= NETWORKS[name]
    assert card["command"].startswith("tfsnn train ")


@pytest.mark.parametrize("name", NETWORKS)
def test_file_fits_the_network_of_the_zoo(name):
    network, dataset = name.split("_", 1)
    data = datasets.CARDS[dataset]
    model = registry.build(
        network,
        input_shape=data.input_shape,
        num_classes=data.num_classes,
        pixel_mean=data.pixel_mean,
        pixel_std=data.pixel_std,
    )
    model.load_weights(shipped.network(name))
    card = shipped.network(name).with_suffix(".json")
    assert model.count_params() == json.loads(card.read_text())["parameters"]
