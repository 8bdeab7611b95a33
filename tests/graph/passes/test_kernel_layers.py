import keras
import numpy as np
import pytest

from tfsnn.graph.passes.kernel_layers import (
    Affine,
    acts_as,
    channel_axis,
    folded_weights,
    kernel_layouts,
    sees_all_taps,
)
from tfsnn.numerics import KernelLayout

layers = keras.layers
CONVOLUTION = KernelLayout("convolution")


def built(layer, shape=(1, 8, 8, 4)):
    layer.build(shape)
    return layer


@pytest.mark.parametrize(
    ("layer", "shape", "expected"),
    [
        (layers.Dense(3), (1, 4), [KernelLayout("dense")]),
        (layers.Conv1D(4, 3), (1, 8, 4), [CONVOLUTION]),
        (
            layers.Conv2D(4, 3, groups=2),
            (1, 8, 8, 4),
            [KernelLayout("convolution", groups=2)],
        ),
        (layers.Conv3D(4, 3), (1, 8, 8, 8, 4), [CONVOLUTION]),
        (
            layers.Conv2DTranspose(4, 3),
            (1, 8, 8, 4),
            [KernelLayout("transposed")],
        ),
        (layers.DepthwiseConv1D(3), (1, 8, 4), [KernelLayout("depthwise")]),
        (
            layers.SeparableConv2D(4, 3, use_bias=False),
            (1, 8, 8, 4),
            [KernelLayout("depthwise"), CONVOLUTION],
        ),
        (layers.BatchNormalization(), (1, 4), []),
        (layers.Embedding(3, 4), (1, 4), []),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_layouts(layer, shape, expected):
    assert list(kernel_layouts(built(layer, shape))) == expected


def test_operations_have_no_kernel():
    x = keras.Input((4,))
    model = keras.Model(x, keras.ops.relu(x))
    assert kernel_layouts(model.operations[-1]) == ()


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (layers.Dense(3), True),
        (layers.Conv2D(4, 3), True),
        (layers.Conv2D(4, 3, strides=2, dilation_rate=1), True),
        (layers.Conv2D(4, 3, padding="same"), False),
        (layers.SeparableConv2D(4, 3, padding="same"), False),
        (layers.Conv2DTranspose(4, 3), False),
    ],
    ids=["dense", "valid", "strided", "same", "separable", "transposed"],
)
def test_sees_all_taps(layer, expected):
    assert sees_all_taps(built(layer)) is expected


def test_causal_padding_is_padding():
    layer = built(layers.Conv1D(4, 3, padding="causal"), (1, 8, 4))
    assert not sees_all_taps(layer)


@pytest.mark.parametrize(
    ("layer", "axis"),
    [
        (layers.Dense(3), 3),
        (layers.Conv2D(4, 3), 3),
        (layers.Conv2D(4, 3, data_format="channels_first"), 1),
    ],
    ids=["dense", "last", "first"],
)
def test_channel_axis(layer, axis):
    assert channel_axis(layer, 4) == axis


class Plain(layers.Dense):
    """Overrides nothing."""


class Other(layers.Dense):
    """Overrides the computation."""

    def call(self, inputs, training=None):
        return inputs


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (layers.Dense(3), True),
        (Plain(3), True),
        (Other(3), False),
        (layers.ReLU(), False),
    ],
    ids=["itself", "subclass", "override", "other"],
)
def test_acts_as(layer, expected):
    assert acts_as(layer, layers.Conv2D, layers.Dense) is expected


def test_affine_maps_in_order():
    first, second = Affine(2.0, 3.0), Affine(5.0, 7.0)
    assert first.then(second) == (2 * 5, 3 * 5 + 7)


@pytest.mark.parametrize("use_bias", [True, False])
def test_maps_on_both_sides(use_bias):
    layer = built(layers.Dense(1, use_bias=use_bias), (1, 2))
    layer.set_weights(
        [np.array([[2.0], [4.0]]), np.array([8.0])][: 1 + use_bias]
    )
    kernel, bias = folded_weights(
        layer,
        before=Affine(np.array([1.0, 3.0]), np.array([1.0, -1.0])),
        after=Affine(np.array([2.0]), np.array([1.0])),
    )
    np.testing.assert_array_equal(kernel, [[2 * 1 * 2], [4 * 3 * 2]])
    assert bias == (8 * use_bias + 2 * 1 - 4 * 1) * 2 + 1
