import keras
import numpy as np
import pytest

from tests.support.networks import (
    default_dtype,
    outputs_of,
    random_inputs,
    with_random_weights,
)
from tfsnn.graph.last_layers import last_layers, scaled_weights
from tfsnn.layers import ChannelAffine

layers, ops = keras.layers, keras.ops
SHAPE = (5, 5, 4)


def conv(name="conv", **arguments):
    return layers.Conv2D(4, 3, padding="same", name=name, **arguments)


def plain(x):
    return conv()(x)


def without_bias(x):
    return conv(use_bias=False)(x)


def grouped(x):
    return conv(groups=2)(x)


def depthwise(x):
    return layers.DepthwiseConv2D(3, name="conv", depth_multiplier=2)(x)


def separable(x):
    return layers.SeparableConv2D(3, 3, name="conv")(x)


def transposed(x):
    return layers.Conv2DTranspose(3, 3, name="conv")(x)


def dense(x):
    return layers.Dense(3, name="conv")(layers.Flatten()(x))


def behind_another(x):
    return conv()(conv("first")(x))


def shortcut(x):
    return layers.Add()([x, conv()(x)])


def sum_by_operator(x):
    return conv()(x) + layers.AveragePooling2D(1)(x) - 1.0


def affine(x):
    return ChannelAffine(name="conv")(layers.Add()([x, conv("first")(x)]))


def read_twice(x):
    """The first one's output is also what the other reads."""
    y = conv("first")(x)
    return layers.Add()([y, conv()(y)])


def broadcast(x):
    return layers.Add()([conv()(x), layers.Dense(1, name="gate")(x)])


ONE = [
    plain,
    without_bias,
    grouped,
    depthwise,
    separable,
    transposed,
    dense,
    behind_another,
    shortcut,
    sum_by_operator,
    affine,
    read_twice,
    broadcast,
]


def projection(x):
    return layers.Subtract()([conv("first")(x), conv("second")(x)])


def nested_sums(x):
    y = layers.Average()([x, conv("first")(x)])
    return layers.Add()([y, conv("second")(x)])


def shared(x):
    one = conv()
    return layers.Add()([one(x), one(-x)])


def pooled(x):
    return layers.AveragePooling2D(2)(conv()(x))


def concatenated(x):
    return layers.Concatenate()([conv("first")(x), conv("second")(x)])


def nothing(x):
    return layers.Flatten()(x)


def channels_first(x):
    return layers.Conv2D(2, 1, data_format="channels_first")(x)


def model_of(function, dtype="float64"):
    with default_dtype(dtype):
        x = keras.Input(SHAPE)
        model = keras.Model(x, function(x))
    return with_random_weights(model, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("function", "names"),
    [(function, ("conv",)) for function in ONE]
    + [(projection, ("first", "second")), (nested_sums, ("first", "second"))]
    + [
        (function, ())
        for function in (shared, pooled, concatenated, nothing, channels_first)
    ],
)
def test_layers_found(function, names):
    assert last_layers(model_of(function)) == names


@pytest.mark.parametrize("function", [*ONE, projection, nested_sums])
def test_what_they_add_is_scaled(function):
    model = model_of(function)
    inputs = random_inputs(model, np.random.default_rng(1))
    found = [model.get_layer(name) for name in last_layers(model)]
    weights = [layer.get_weights() for layer in found]

    def output(scale):
        for layer, values in zip(found, weights, strict=True):
            layer.set_weights(scale(layer, values))
        return outputs_of(model, inputs)[0]

    before = output(lambda layer, values: values)
    rest = output(lambda layer, values: [np.zeros_like(v) for v in values])
    gain = np.linspace(0.5, 2, before.shape[-1])
    after = output(lambda layer, values: scaled_weights(layer, values, gain))
    # float64 sums of some tens of products
    np.testing.assert_allclose(
        after - rest, gain * (before - rest), rtol=1e-9, atol=1e-9
    )


def test_weights_that_come_in_are_not_changed():
    model = model_of(plain, "float32")
    layer = model.get_layer("conv")
    weights = layer.get_weights()
    for values in weights:
        values.flags.writeable = False  # Whoever writes raises.
    scaled = scaled_weights(layer, weights, np.full(4, 2.0))
    for values, twice in zip(weights, scaled, strict=True):
        assert twice.dtype == np.float32
        np.testing.assert_array_equal(twice, 2 * values)
