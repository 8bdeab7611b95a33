import keras
import numpy as np
import pytest

from tests.support.networks import default_dtype, kinds
from tfsnn.graph import trace
from tfsnn.graph.passes import max_to_average, operation_pools, scaled_addition
from tfsnn.graph.passes.max_pools import is_max_pool

layers, ops = keras.layers, keras.ops
IMAGE = (6, 6, 2)


def network(function, shape=IMAGE):
    x = keras.Input(shape)
    return keras.Model(x, function(x))


@pytest.mark.parametrize(
    ("layer", "wanted"),
    [
        (layers.MaxPooling2D((2, 1)), True),
        (layers.GlobalMaxPooling1D(), True),
        (layers.MaxPooling2D(1, strides=2), False),
        (layers.AveragePooling2D(2), False),
    ],
)
def test_is_max_pool(layer, wanted):
    assert is_max_pool(layer) is wanted


def test_averages_have_the_same_windows():
    pool = layers.MaxPooling2D(3, strides=2, padding="same", name="pool")
    model = network(lambda x: layers.GlobalMaxPooling2D()(pool(x)))
    averaged = max_to_average(trace(model)).model
    assert kinds(averaged) == ["AveragePooling2D", "GlobalAveragePooling2D"]
    found = averaged.get_layer("pool")
    assert (found.pool_size, found.strides, found.padding) == (
        (3, 3),
        (2, 2),
        "same",
    )


@pytest.mark.parametrize(
    ("function", "shape", "kind"),
    [
        (lambda x: ops.max_pool(x, 2), IMAGE, "MaxPooling2D"),
        (
            lambda x: ops.max_pool(x, 3, strides=2, padding="same"),
            (7, 2),
            "MaxPooling1D",
        ),
        (lambda x: ops.max(x, axis=(1, 2)), IMAGE, "GlobalMaxPooling2D"),
        (
            lambda x: ops.max(x, axis=(-2, 1), keepdims=True),
            IMAGE,
            "GlobalMaxPooling2D",
        ),
    ],
)
def test_operations_become_layers(function, shape, kind):
    model = network(function, shape)
    graph = operation_pools(trace(model))
    assert kinds(graph.model) == [kind]
    values = np.random.default_rng(0).normal(size=(2, *shape))
    np.testing.assert_array_equal(graph.model(values), model(values))


def test_other_maxima_stay():
    graph = trace(network(lambda x: ops.max(x, axis=-1)))
    assert operation_pools(graph) is graph


class CustomScaleLayer(layers.Layer):
    """As in `keras.applications.InceptionResNetV2`."""

    __module__ = "keras.src.applications.inception_resnet_v2"

    def __init__(self, scale, **kwargs):
        super().__init__(**kwargs)
        self.scale = scale

    def call(self, inputs):
        return inputs[0] + inputs[1] * self.scale

    def get_config(self):
        return {**super().get_config(), "scale": self.scale}


def test_scaled_addition():
    scale = CustomScaleLayer(0.25, name="sum")
    model = network(lambda x: scale([x, layers.Conv2D(2, 1)(x)]))
    graph = scaled_addition(trace(model))
    assert kinds(graph.model) == ["Conv2D", "ChannelAffine", "Add"]
    assert graph.calls[-1].name == "sum"
    values = np.random.default_rng(0).normal(size=(2, *IMAGE))
    np.testing.assert_array_equal(graph.model(values), model(values))
    assert scaled_addition(graph) is graph


def test_scaled_addition_in_float64():
    with default_dtype("float64"):
        scale = CustomScaleLayer(0.17, name="sum")
        model = network(lambda x: scale([x, layers.Conv2D(2, 1)(x)]))
        values = np.random.default_rng(0).normal(size=(2, *IMAGE))
        wanted = model(values)
        got = scaled_addition(trace(model)).model(values)
    np.testing.assert_allclose(got, wanted, rtol=1e-14)
