import keras
import numpy as np
import pytest

from tests.support.networks import kinds
from tfsnn.graph import trace
from tfsnn.graph.passes import remove_inactive
from tfsnn.graph.passes.remove_inactive import INACTIVE_LAYERS

layers = keras.layers


def left_of(layer, *, shape=(4, 2), **call):
    x = keras.Input(shape)
    graph = trace(keras.Model(x, layers.ReLU()(layer(x, **call))))
    return kinds(remove_inactive(graph).model)


@pytest.mark.parametrize(
    ("layer", "rank"),
    [
        (layers.ActivityRegularization(l1=0.1), 2),
        (layers.AlphaDropout(0.5), 2),
        (layers.Dropout(0.5), 2),
        (layers.GaussianDropout(0.5), 2),
        (layers.GaussianNoise(0.5), 2),
        (layers.Identity(), 2),
        (layers.SpatialDropout1D(0.5), 2),
        (layers.SpatialDropout2D(0.5), 3),
        (layers.SpatialDropout3D(0.5), 4),
        (layers.Activation("linear"), 2),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_removed(layer, rank):
    assert left_of(layer, shape=(4, 4, 4, 2)[-rank:]) == ["ReLU"]


ARGUMENTS = {
    "RandomBrightness": {"factor": 0.5},
    "RandomColorDegeneration": {"factor": 0.5},
    "RandomContrast": {"factor": 0.5},
    "RandomHue": {"factor": 0.5},
    "RandomPosterization": {"factor": 3},
    "RandomRotation": {"factor": 0.5},
    "RandomSaturation": {"factor": 0.5},
    "RandomSharpness": {"factor": 0.5},
    "RandomTranslation": {"height_factor": 0.5, "width_factor": 0.5},
    "RandomZoom": {"height_factor": 0.5},
}
AUGMENTATIONS = [c for c in INACTIVE_LAYERS if c.__name__[:6] == "Random"]


@pytest.mark.parametrize("kind", AUGMENTATIONS, ids=lambda c: c.__name__)
def test_augmentation_is_removed_and_was_inactive(kind):
    layer = kind(**ARGUMENTS.get(kind.__name__, {}))
    assert left_of(layer, shape=(8, 8, 3)) == ["ReLU"]
    images = np.random.default_rng(0).uniform(-50, 300, (2, 8, 8, 3))
    images = images.astype("float32")
    np.testing.assert_array_equal(layer(images, training=False), images)


def test_the_augmentations_everyone_has():
    names = {kind.__name__ for kind in AUGMENTATIONS}
    assert names >= {"RandomFlip", "RandomRotation", "RandomTranslation"}
    assert names >= {"RandomZoom", "RandomContrast", "RandomBrightness"}
    assert "RandomCrop" not in names  # It crops the centre.


class Inverting(layers.RandomFlip):
    """A flip that is none."""

    def transform_images(self, images, transformation, training=True):
        return -images


def test_augmentation_with_another_computation_is_kept():
    assert left_of(Inverting(), shape=(8, 8, 3)) == ["Inverting", "ReLU"]


@pytest.mark.parametrize(
    "layer",
    [
        layers.Activation("tanh"),
        layers.Rescaling(1.0),
        layers.Flatten(),
    ],
    ids=lambda layer: layer.name,
)
def test_kept(layer):
    assert left_of(layer) == [type(layer).__name__, "ReLU"]


class Doubling(layers.Dropout):
    """A dropout that is none."""

    def call(self, inputs, training=False):
        return 2 * inputs


def test_subclass_with_another_computation_is_kept():
    assert left_of(Doubling(0.5)) == ["Doubling", "ReLU"]


class NamedDropout(layers.Dropout):
    """A dropout with another name."""


def test_subclass_with_the_same_computation_is_removed():
    assert left_of(NamedDropout(0.5)) == ["ReLU"]


def test_dropout_active_at_inference_is_kept():
    assert left_of(layers.Dropout(0.5), training=True) == ["Dropout", "ReLU"]


def test_cast_is_kept():
    layer = layers.Identity(dtype="float64")
    assert left_of(layer) == ["Identity", "ReLU"]


def test_each_use_of_a_shared_layer_is_removed():
    x, dropout = keras.Input((4,)), layers.Dropout(0.5)
    model = keras.Model(x, layers.Dense(2)(dropout(dropout(x))))
    assert kinds(remove_inactive(trace(model)).model) == ["Dense"]
