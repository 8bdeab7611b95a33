"""Every network of the zoo, thin and small, with what conversion must keep."""

import functools

import keras
import numpy as np
import pytest

import tfsnn
from tests.support.networks import with_random_weights
from tfsnn_models import registry

SMALL = {
    "vgg16": {"width_multiplier": 0.05},
    "vgg16_imagenet": {
        "width_multiplier": 0.05,
        "input_shape": (64, 64, 3),
        "hidden": (160, 80),
        "num_classes": 10,
    },
    "resnet20": {"width": 4, "depth": 8, "input_shape": (8, 8, 3)},
    "resnet20_wide": {
        "width_multiplier": 0.06,
        "depths": (1, 1),
        "input_shape": (8, 8, 3),
    },
    "resnet34": {
        "width_multiplier": 0.06,
        "depths": (1, 2),
        "input_shape": (16, 16, 3),
    },
    "mobilenet": {
        "width_multiplier": 0.125,
        "blocks": ((64, 1), (128, 2)),
        "input_shape": (16, 16, 3),
    },
    "mobilenet_cifar": {
        "width_multiplier": 0.125,
        "blocks": ((64, 1), (128, 2)),
        "input_shape": (8, 8, 3),
    },
    "regnetx_4gf": {
        "width_multiplier": 0.05,
        "stages": ((80, 1), (120, 2)),
        "input_shape": (16, 16, 3),
    },
}
QUICK = {
    ("vgg16", False),
    ("resnet20", True),
    ("resnet34", True),
    ("mobilenet", True),
    ("regnetx_4gf", True),
}
CASES = [
    pytest.param(
        name,
        batch_norm,
        id=f"{name}-{'bn' if batch_norm else 'no bn'}",
        marks=[] if (name, batch_norm) in QUICK else pytest.mark.slow,
    )
    for name in SMALL
    for batch_norm in (True, False)
]


@functools.cache
def network(name, batch_norm):
    keras.utils.set_random_seed(0)
    model = registry.build(name, batch_norm=batch_norm, **SMALL[name])
    return with_random_weights(model, np.random.default_rng(0))


@functools.cache
def conversion(name, batch_norm):
    return tfsnn.convert(network(name, batch_norm))


def num_relus(model):
    return sum(isinstance(x, keras.layers.ReLU) for x in model.layers)


def test_no_depth_is_left_out():
    """The others differ from resnet20 by their depth alone."""
    assert set(registry.BUILDERS) - set(SMALL) == {
        "resnet32",
        "resnet44",
        "resnet56",
    }


@pytest.mark.parametrize(("name", "batch_norm"), CASES)
def test_every_relu_becomes_a_neuron(name, batch_norm):
    """The prepared network equals the source; `convert` compares outputs."""
    found = conversion(name, batch_norm)
    assert len(found.neuron_names) == num_relus(network(name, batch_norm))
    assert found.difference <= 1e-4


@pytest.mark.parametrize(("name", "batch_norm"), CASES)
def test_the_spiking_network_answers_for_any_batch(name, batch_norm):
    found = conversion(name, batch_norm)
    snn = found.spiking_model(2)
    images = np.random.default_rng(1).normal(
        size=(3, *network(name, batch_norm).input_shape[1:])
    )
    images = images.astype("float32")
    three = np.asarray(snn(images))
    assert three.shape == (3, network(name, batch_norm).output_shape[-1])
    assert np.isfinite(three).all()
    one = np.asarray(snn(images[:1]))
    np.testing.assert_allclose(one, three[:1], rtol=1e-4, atol=1e-4)
