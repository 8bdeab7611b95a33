import keras
import numpy as np
import pytest

from tests.support.networks import (
    default_dtype,
    kinds,
    outputs_of,
    random_inputs,
)
from tfsnn.graph import trace
from tfsnn.graph.passes import pool_to_convolution

layers = keras.layers
LINE, IMAGE = (9, 3), (9, 8, 3)


def model_of(*stack, shape=IMAGE):
    return keras.Sequential([keras.Input(shape), layers.ReLU(), *stack])


def left_of(*stack, shape=IMAGE):
    return kinds(
        pool_to_convolution(trace(model_of(*stack, shape=shape))).model
    )


POOLS = {
    "line": (LINE, lambda: layers.AveragePooling1D(3)),
    "line_overlap": (LINE, lambda: layers.AveragePooling1D(3, 2)),
    "image": (IMAGE, lambda: layers.AveragePooling2D(2)),
    "image_overlap": (IMAGE, lambda: layers.AveragePooling2D((3, 2), 1)),
    "global_line": (LINE, lambda: layers.GlobalAveragePooling1D()),
    "global_image": (IMAGE, lambda: layers.GlobalAveragePooling2D()),
    "global_line_kept": (
        LINE,
        lambda: layers.GlobalAveragePooling1D(keepdims=True),
    ),
    "global_image_kept": (
        IMAGE,
        lambda: layers.GlobalAveragePooling2D(keepdims=True),
    ),
}
every_pool = pytest.mark.parametrize("name", POOLS)


@every_pool
def test_outputs_stay(name, rng):
    shape, make = POOLS[name]
    with default_dtype("float64"):
        model = model_of(make(), shape=shape)
        inputs = random_inputs(model, rng)
        graph = pool_to_convolution(trace(model))
        (got,), (expected,) = (
            outputs_of(graph.model, inputs),
            outputs_of(model, inputs),
        )
        assert got.shape == expected.shape
        # the order of a few float64 additions
        np.testing.assert_allclose(got, expected, rtol=1e-9)


@every_pool
def test_a_convolution_and_a_relu(name):
    shape, make = POOLS[name]
    found = left_of(make(), shape=shape)
    assert "Depthwise" in found[1]
    assert found[-1] == "ReLU"


@every_pool
def test_prepared_again_nothing_changes(name):
    shape, make = POOLS[name]
    graph = pool_to_convolution(trace(model_of(make(), shape=shape)))
    assert kinds(pool_to_convolution(graph).model) == kinds(graph.model)


def test_names():
    pool = layers.GlobalAveragePooling2D(name="pool")
    graph = pool_to_convolution(trace(model_of(pool)))
    assert [call.name for call in graph][1:] == [
        "pool_convolution",
        "pool_flatten",
        "pool_neuron",
    ]


def test_one_neuron_a_use():
    x, pool = keras.Input((8, 8, 2)), layers.AveragePooling2D(2, name="pool")
    y = pool(pool(layers.ReLU()(x)))
    graph = pool_to_convolution(trace(keras.Model(x, y)))
    assert [call.name for call in graph][1:] == [
        "pool_convolution",
        "pool_neuron",
        "pool_convolution_1",
        "pool_neuron_1",
    ]


@pytest.mark.parametrize(
    ("pool", "shape"),
    [
        (layers.AveragePooling2D(2, padding="same"), IMAGE),
        (layers.AveragePooling2D(2, strides=(1, 2)), IMAGE),
        (layers.AveragePooling3D(2), (4, 4, 4, 2)),
        (layers.GlobalAveragePooling2D(), (None, None, 3)),
        (layers.GlobalAveragePooling3D(), (4, 4, 4, 2)),
        (layers.MaxPooling2D(), IMAGE),
    ],
    ids=["padded", "strides", "volume", "unknown", "global_volume", "maximum"],
)
def test_stays(pool, shape):
    assert left_of(pool, shape=shape)[1:] == [type(pool).__name__]


@pytest.mark.parametrize(
    ("stack", "changed"),
    [
        ([layers.MaxPooling2D(), layers.ZeroPadding2D()], True),
        ([layers.AveragePooling2D(2, padding="same")], True),
        ([layers.Conv2D(2, 1)], False),
        ([layers.Conv2D(2, 1), layers.ReLU()], True),
        ([layers.Conv2D(2, 1), layers.ReLU(negative_slope=0.1)], False),
        ([layers.Rescaling(-1.0)], False),
    ],
    ids=["pool_and_pad", "pool", "conv", "relu", "leaky", "negative"],
)
def test_only_where_no_input_is_negative(stack, changed):
    found = left_of(*stack, layers.AveragePooling2D(2))
    assert ("DepthwiseConv2D" in found) is changed


def test_image_may_be_negative():
    x = keras.Input((8, 8, 2))
    model = keras.Model(x, layers.AveragePooling2D(2)(x))
    assert kinds(pool_to_convolution(trace(model)).model) == [
        "AveragePooling2D"
    ]
