import keras
import numpy as np
import pytest

from tests.support.networks import (
    default_dtype,
    kinds,
    outputs_of,
    random_inputs,
    with_random_weights,
)
from tfsnn.graph import trace
from tfsnn.graph.passes import equalise
from tfsnn.graph.passes.kernel_layers import kernel_layouts

layers = keras.layers
IMAGE = (8, 8, 3)


def model_of(function, shape=IMAGE, dtype="float64"):
    """Ranges of channels differ by up to a thousand."""
    with default_dtype(dtype):
        x = keras.Input(shape)
        model = keras.Model(x, function(x))
    rng = np.random.default_rng(0)
    with_random_weights(model, rng)
    for layer in model.layers:
        layouts = kernel_layouts(layer)
        if layouts:
            *kernels, bias = layer.get_weights()
            count = layouts[-1].num_output_channels(kernels[-1])
            factor = 10 ** rng.uniform(-1.5, 1.5, count)
            kernels[-1] = layouts[-1].scale_outputs(kernels[-1], factor)
            layer.set_weights([*kernels, bias * factor])
    return model


def equalised(model):
    return equalise(trace(model)).model


def conv(name, filters=4, **arguments):
    return layers.Conv2D(filters, 3, padding="same", name=name, **arguments)


def plain(x):
    return conv("second")(layers.ReLU()(conv("first")(x)))


def depthwise(x):
    x = layers.ReLU()(conv("first")(x))
    return layers.DepthwiseConv2D(3, depth_multiplier=2, name="second")(x)


def from_depthwise(x):
    x = layers.DepthwiseConv2D(3, depth_multiplier=2, name="first")(x)
    return conv("second")(layers.ReLU()(x))


def grouped(x):
    x = layers.ReLU()(conv("first", 6)(x))
    return conv("second", 6, groups=3)(x)


def separable(x):
    x = layers.SeparableConv2D(4, 3, name="first")(x)
    return layers.SeparableConv2D(3, 3, name="second")(layers.ReLU()(x))


def transposed(x):
    x = layers.ReLU()(layers.Conv2DTranspose(4, 3, name="first")(x))
    return layers.Conv2DTranspose(4, 3, name="second")(x)


def dense(x):
    return layers.Dense(3, name="second")(
        layers.ReLU()(layers.Dense(5, name="first")(x))
    )


def behind_pools(x):
    x = layers.AveragePooling2D(2)(layers.ReLU()(conv("first")(x)))
    x = layers.GlobalAveragePooling2D()(layers.ZeroPadding2D()(x))
    return layers.Dense(3, name="second")(x)


PAIRS = [
    plain,
    depthwise,
    from_depthwise,
    grouped,
    separable,
    transposed,
    dense,
    behind_pools,
]


def separated(x):
    """The chain of a mobile network."""
    x = layers.ReLU()(conv("first")(x))
    x = layers.ReLU()(layers.DepthwiseConv2D(3, name="second")(x))
    x = layers.ReLU()(conv("third", 5)(x))
    return conv("fourth")(x)


def residual(x):
    """The ReLU in the branch has one reader, those at the junctions two."""
    x = layers.ReLU()(conv("stem")(x))
    y = layers.ReLU()(conv("first")(x))
    x = layers.ReLU()(layers.Add()([x, conv("second")(y)]))
    return layers.Dense(3)(layers.GlobalAveragePooling2D()(x))


def ranges(model, first, second):
    makes, reads = model.get_layer(first), model.get_layer(second)
    last = len(kernel_layouts(makes)) - 1
    return (
        kernel_layouts(makes)[-1].largest_by_output(makes.get_weights()[last]),
        kernel_layouts(reads)[0].largest_by_input(reads.get_weights()[0]),
    )


def assert_same_outputs(got, model, rtol=1e-9):
    inputs = random_inputs(model, np.random.default_rng(1))
    (expected,), (values,) = outputs_of(model, inputs), outputs_of(got, inputs)
    scale = np.abs(expected).max()
    np.testing.assert_allclose(values, expected, rtol=rtol, atol=rtol * scale)


@pytest.mark.parametrize("function", [*PAIRS, separated, residual])
def test_outputs_stay(function):
    model = model_of(function)
    # the order of a few float64 additions
    assert_same_outputs(equalised(model), model)


@pytest.mark.parametrize("function", [separated, residual])
def test_outputs_stay_in_float32(function):
    model = model_of(function, dtype="float32")
    assert_same_outputs(equalised(model), model, rtol=1e-5)


@pytest.mark.parametrize("function", PAIRS)
def test_both_sides_have_the_same_range(function):
    before = ranges(model_of(function), "first", "second")
    after = ranges(equalised(model_of(function)), "first", "second")
    assert np.ptp(np.log(before[0] / before[1])) > 0.5
    np.testing.assert_allclose(after[0], after[1], rtol=1e-9)
    np.testing.assert_allclose(
        after[0], np.sqrt(before[0] * before[1]), rtol=1e-9
    )


def test_a_chain_is_evened_out_to_its_end():
    got = equalised(model_of(separated))
    for pair in (("first", "second"), ("second", "third"), ("third", "fourth")):
        makes, reads = ranges(got, *pair)
        np.testing.assert_allclose(makes, reads, rtol=1e-6)


def test_a_second_time_changes_nothing():
    once = equalised(model_of(separated))
    twice = equalised(once)
    assert kinds(once) == kinds(twice)
    for a, b in zip(once.get_weights(), twice.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)


def test_only_the_branch_of_a_block_changes():
    model = model_of(residual)
    got = equalised(model)
    changed = {
        layer.name
        for layer in model.layers
        if layer.weights
        for a, b in zip(
            layer.get_weights(),
            got.get_layer(layer.name).get_weights(),
            strict=True,
        )
        if (a != b).any()
    }
    assert changed == {"first", "second"}


def test_the_model_that_comes_in_is_not_changed():
    model = model_of(separated)
    before = model.get_weights()
    graph = trace(model)
    equalise(graph)
    for a, b in zip(graph.model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)


def relu6(x):
    return conv("second")(layers.ReLU(max_value=6.0)(conv("first")(x)))


def leaky(x):
    return conv("second")(layers.ReLU(negative_slope=0.1)(conv("first")(x)))


def shifted(x):
    return conv("second")(layers.ReLU(threshold=0.5)(conv("first")(x)))


def read_twice(x):
    x = layers.ReLU()(conv("first")(x))
    return layers.Add()([x, conv("second")(x)])


def current_read_twice(x):
    x = conv("first")(x)
    return layers.Add()([x, conv("second")(layers.ReLU()(x))])


def output(x):
    return layers.ReLU()(conv("first")(x))


def shared(x):
    one = layers.Conv2D(3, 3, padding="same", name="first")
    return one(layers.ReLU()(one(x)))


def flattened(x):
    x = layers.Flatten()(layers.ReLU()(conv("first")(x)))
    return layers.Dense(3, name="second")(x)


def concatenated(x):
    y = layers.ReLU()(conv("first")(x))
    return conv("second")(layers.Concatenate()([x, y]))


def summed(x):
    y = layers.ReLU()(layers.Add()([conv("first")(x), conv("other")(x)]))
    return conv("second")(y)


def channels_first(x):
    one = {"data_format": "channels_first"}
    x = layers.ReLU()(layers.Conv2D(4, 1, name="first", **one)(x))
    return layers.Conv2D(4, 1, name="second", **one)(x)


@pytest.mark.parametrize(
    "function",
    [
        relu6,
        leaky,
        shifted,
        read_twice,
        current_read_twice,
        output,
        shared,
        flattened,
        concatenated,
        summed,
        channels_first,
    ],
)
def test_stays(function):
    model = model_of(function)
    got = equalised(model)
    for a, b in zip(model.get_weights(), got.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_dead_channel_stays_and_a_small_one_grows_by_at_most_100():
    model = model_of(plain)
    first, second = model.get_layer("first"), model.get_layer("second")
    makes, reads = first.kernel.numpy(), second.kernel.numpy()
    makes[..., 0] = 0.0
    makes[..., 1] *= 1e-12
    first.kernel.assign(makes)
    got = equalised(model).get_layer("second").kernel.numpy()
    np.testing.assert_array_equal(got[:, :, 0], reads[:, :, 0])
    np.testing.assert_allclose(got[:, :, 1], reads[:, :, 1] / 100, rtol=1e-12)
