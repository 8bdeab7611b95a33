import keras
import numpy as np
import pytest

from tfsnn_models import registry
from tfsnn_models.resnet import cifar_resnet

SMALL = {"depth": 8, "width": 4, "input_shape": (8, 8, 3)}


@pytest.mark.parametrize(
    ("depth", "millions"), [(20, 0.27), (32, 0.46), (44, 0.66), (56, 0.85)]
)
def test_parameters_are_those_of_the_paper(depth, millions):
    """He et al. (2016), Table 6."""
    model = registry.build(f"resnet{depth}")
    trainable = sum(np.prod(v.shape) for v in model.trainable_variables)
    assert trainable / 1e6 == pytest.approx(millions, abs=0.01)


def test_normalises_its_own_input(rng):
    keras.utils.set_random_seed(0)
    plain = cifar_resnet(**SMALL)
    mean, std = (100.0, 120.0, 90.0), (50.0, 60.0, 70.0)
    own = cifar_resnet(**SMALL, pixel_mean=mean, pixel_std=std)
    own.set_weights(plain.get_weights())
    images = rng.uniform(0, 255, (2, 8, 8, 3)).astype("float32")
    normalised = ((images - mean) / std).astype("float32")
    np.testing.assert_allclose(own(images), plain(normalised), atol=1e-4)


def test_shortcut_is_free_of_parameters():
    """Option A: strided pixels, and zeros on both sides of the channels."""
    names = [layer.name for layer in cifar_resnet(**SMALL).layers]
    assert not any("shortcut" in name for name in names)


@pytest.mark.parametrize("depth", [7, 2, 21])
def test_other_depths_are_refused(depth):
    with pytest.raises(ValueError, match=f"depth={depth}.*6n"):
        cifar_resnet(depth=depth)


def test_mean_without_deviation_is_refused():
    with pytest.raises(ValueError, match="pixel_std=None: one without"):
        cifar_resnet(pixel_mean=(1.0, 2.0, 3.0))


def test_unknown_network_is_refused():
    with pytest.raises(ValueError, match="resnet20"):
        registry.build("resnet21")
