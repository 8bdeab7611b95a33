"""Folded batch norms against Keras layers that apply them, in float64."""

import keras
import numpy as np
import pytest

from tests.reference import affine
from tfsnn.numerics import (
    KernelLayout,
    batch_norm_affine,
    fold_into_consumer,
    fold_into_producer,
)

EPSILON = 1e-3
CONVOLUTION = KernelLayout("convolution")
DEPTHWISE = KernelLayout("depthwise")
TRANSPOSED = KernelLayout("transposed")
DENSE = KernelLayout("dense")
L = keras.layers

# class, constructor arguments, layout, axes of space
EITHER_SIDE = {
    "dense": (L.Dense, {"units": 4}, DENSE, 0),
    "dense_no_bias": (L.Dense, {"units": 4, "use_bias": False}, DENSE, 0),
    "conv1d": (L.Conv1D, {"kernel_size": 3}, CONVOLUTION, 1),
    "conv2d": (L.Conv2D, {"kernel_size": (3, 2)}, CONVOLUTION, 2),
    "conv2d_strided": (
        L.Conv2D,
        {"kernel_size": 3, "strides": 2, "use_bias": False},
        CONVOLUTION,
        2,
    ),
    "conv2d_dilated": (
        L.Conv2D,
        {"kernel_size": 2, "dilation_rate": 2},
        CONVOLUTION,
        2,
    ),
    "conv2d_grouped": (
        L.Conv2D,
        {"kernel_size": 3, "groups": 2},
        KernelLayout("convolution", 2),
        2,
    ),
    "conv3d": (L.Conv3D, {"kernel_size": 2}, CONVOLUTION, 3),
    "depthwise1d": (L.DepthwiseConv1D, {"kernel_size": 3}, DEPTHWISE, 1),
    "depthwise2d": (
        L.DepthwiseConv2D,
        {"kernel_size": 3, "depth_multiplier": 3},
        DEPTHWISE,
        2,
    ),
}
PRODUCER_ONLY = {
    "conv2d_same": (
        L.Conv2D,
        {"kernel_size": 3, "padding": "same"},
        CONVOLUTION,
        2,
    ),
    "transposed1d": (L.Conv1DTranspose, {"kernel_size": 3}, TRANSPOSED, 1),
    "transposed2d": (
        L.Conv2DTranspose,
        {"kernel_size": 3, "strides": 2, "padding": "same"},
        TRANSPOSED,
        2,
    ),
    "transposed3d": (L.Conv3DTranspose, {"kernel_size": 2}, TRANSPOSED, 3),
}
SEPARABLE = {
    "separable1d": (L.SeparableConv1D, 1),
    "separable2d": (L.SeparableConv2D, 2),
}


def table(cases):
    return pytest.mark.parametrize(
        ("layer_class", "options", "layout", "space"), cases.values(), ids=cases
    )


def moments(rng, channels):
    """Gamma (one of them negative), beta, mean and variance."""
    gamma = rng.uniform(0.5, 2, channels)
    gamma[0] *= -1
    variance = rng.uniform(0.1, 3, channels)
    return gamma, rng.normal(size=channels), rng.normal(size=channels), variance


def random_layer(layer_class, options, space, rng):
    """A built float64 layer with random weights, and data for it."""
    if not ("units" in options or layer_class.__name__.startswith("Depthwise")):
        options = {"filters": 6, **options}
    layer = layer_class(**options, dtype="float64")
    x = rng.normal(size=(2, *[6] * space, 4))
    layer.build(x.shape)
    layer.set_weights([rng.normal(size=w.shape) for w in layer.get_weights()])
    return layer, x


def with_batch_norm(x, parameters):
    norm = keras.layers.BatchNormalization(epsilon=EPSILON, dtype="float64")
    norm.build(x.shape)
    norm.set_weights(parameters)
    return np.asarray(norm(x, training=False))


def split(layer):
    """Kernel, and bias or None."""
    kernel, *bias = layer.get_weights()
    return kernel, (bias[0] if bias else None)


def rebuilt(layer, kernel, bias, x):
    """Output on `x` of a copy of `layer` with these weights and a bias."""
    copy = type(layer)(**{**layer.get_config(), "use_bias": True})
    copy.build(x.shape)
    copy.set_weights(
        [*kernel, bias] if isinstance(kernel, list) else [kernel, bias]
    )
    return np.asarray(copy(x))


def assert_same(actual, expected):
    # Sums of a few hundred products in another order; outputs are of order
    # 1 to 10, and one that happens to be near 0 keeps their absolute error.
    np.testing.assert_allclose(actual, expected, rtol=1e-9, atol=1e-12)


@table({**EITHER_SIDE, **PRODUCER_ONLY})
def test_producer_absorbs_the_batch_norm_behind_it(
    layer_class, options, layout, space, rng
):
    layer, x = random_layer(layer_class, options, space, rng)
    y = np.asarray(layer(x))
    parameters = moments(rng, y.shape[-1])
    scale, shift = batch_norm_affine(*parameters, EPSILON)
    folded = fold_into_producer(*split(layer), scale, shift, layout=layout)
    assert_same(rebuilt(layer, *folded, x), with_batch_norm(y, parameters))


@table(EITHER_SIDE)
def test_consumer_absorbs_the_batch_norm_before_it(
    layer_class, options, layout, space, rng
):
    layer, x = random_layer(layer_class, options, space, rng)
    parameters = moments(rng, x.shape[-1])
    expected = np.asarray(layer(with_batch_norm(x, parameters)))
    scale, shift = batch_norm_affine(*parameters, EPSILON)
    folded = fold_into_consumer(*split(layer), scale, shift, layout=layout)
    assert_same(rebuilt(layer, *folded, x), expected)


@table(PRODUCER_ONLY)
def test_consumer_of_any_padding_absorbs_a_scale_alone(
    layer_class, options, layout, space, rng
):
    layer, x = random_layer(layer_class, options, space, rng)
    scale = rng.uniform(0.5, 2, x.shape[-1])
    folded = fold_into_consumer(*split(layer), scale, 0.0, layout=layout)
    assert_same(rebuilt(layer, *folded, x), np.asarray(layer(scale * x)))


@pytest.mark.parametrize(
    ("layer_class", "space"), SEPARABLE.values(), ids=SEPARABLE
)
def test_separable_producer_folds_into_its_pointwise_kernel(
    layer_class, space, rng
):
    options = {"kernel_size": 3, "depth_multiplier": 2}
    layer, x = random_layer(layer_class, options, space, rng)
    depthwise, pointwise, bias = layer.get_weights()
    y = np.asarray(layer(x))
    parameters = moments(rng, y.shape[-1])
    pointwise, bias = fold_into_producer(
        pointwise,
        bias,
        *batch_norm_affine(*parameters, EPSILON),
        layout=CONVOLUTION,
    )
    actual = rebuilt(layer, [depthwise, pointwise], bias, x)
    assert_same(actual, with_batch_norm(y, parameters))


@pytest.mark.parametrize(
    ("layer_class", "space"), SEPARABLE.values(), ids=SEPARABLE
)
def test_separable_consumer_folds_in_two_steps(layer_class, space, rng):
    options = {"kernel_size": 3, "depth_multiplier": 2}
    layer, x = random_layer(layer_class, options, space, rng)
    depthwise, pointwise, bias = layer.get_weights()
    parameters = moments(rng, x.shape[-1])
    expected = np.asarray(layer(with_batch_norm(x, parameters)))
    depthwise, inner = fold_into_consumer(
        depthwise,
        None,
        *batch_norm_affine(*parameters, EPSILON),
        layout=DEPTHWISE,
    )
    pointwise, bias = fold_into_consumer(
        pointwise, bias, 1.0, inner, layout=CONVOLUTION
    )
    assert_same(rebuilt(layer, [depthwise, pointwise], bias, x), expected)


@pytest.mark.parametrize("use_gamma", [True, False], ids=["gamma", "no_gamma"])
@pytest.mark.parametrize("use_beta", [True, False], ids=["beta", "no_beta"])
def test_affine_form_is_the_batch_norm(use_gamma, use_beta, rng):
    gamma, beta, mean, variance = moments(rng, 5)
    x = rng.normal(size=(7, 5))
    scale, shift = batch_norm_affine(
        gamma if use_gamma else None,
        beta if use_beta else None,
        mean,
        variance,
        EPSILON,
    )
    expected = affine.batch_norm(
        x,
        gamma if use_gamma else np.ones(5),
        beta if use_beta else np.zeros(5),
        mean,
        variance,
        EPSILON,
    )
    # The same few operations, associated otherwise.
    np.testing.assert_allclose(
        scale * x + shift, expected, rtol=1e-12, atol=1e-14
    )


def test_affine_form_is_float64_whatever_the_moments():
    ones = np.ones(3, "float32")
    scale, shift = batch_norm_affine(ones, ones, ones, ones, EPSILON)
    assert scale.dtype == shift.dtype == np.float64
    assert scale.shape == shift.shape == (3,)


@pytest.mark.parametrize("fold", [fold_into_producer, fold_into_consumer])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_dtype_of_the_kernel_is_kept(fold, dtype):
    kernel, bias = fold(
        np.ones((3, 3), dtype), None, np.ones(3), np.ones(3), layout=DENSE
    )
    assert kernel.dtype == bias.dtype == dtype


def test_a_float32_kernel_is_rounded_once(rng):
    kernel = rng.normal(size=(3, 4)).astype("float32")
    scale = rng.uniform(0.5, 2, 4)
    folded, _ = fold_into_producer(kernel, None, scale, 0.0, layout=DENSE)
    exact = kernel.astype("float64") * scale
    np.testing.assert_array_equal(folded, exact.astype("float32"))


@pytest.mark.parametrize("bad", [-1.0, np.nan])
def test_unusable_variance_is_refused(bad):
    with pytest.raises(ValueError, match="Variance \\+ epsilon is"):
        batch_norm_affine(None, None, [0.0, 0.0], [1.0, bad], EPSILON)


@pytest.mark.parametrize("name", ["gamma", "beta", "variance"])
def test_moments_of_another_length_are_refused(name):
    shapes = {"gamma": 3, "beta": 3, "mean": 3, "variance": 3, name: 2}
    arguments = {key: np.ones(size) for key, size in shapes.items()}
    with pytest.raises(ValueError, match=rf"`{name}` has shape \(2,\)"):
        batch_norm_affine(**arguments, epsilon=EPSILON)


def test_a_mean_that_is_no_vector_is_refused():
    with pytest.raises(ValueError, match=r"`mean` has shape \(1, 3\)"):
        batch_norm_affine(None, None, np.ones((1, 3)), np.ones(3), EPSILON)


@pytest.mark.parametrize("name", ["scale", "shift", "bias"])
def test_producer_refuses_other_lengths(name):
    arguments = {"bias": None, "scale": 1.0, "shift": 0.0, name: np.ones(2)}
    with pytest.raises(ValueError, match=rf"`{name}` has shape \(2,\)"):
        fold_into_producer(np.ones((3, 4)), layout=DENSE, **arguments)


@pytest.mark.parametrize("name", ["factor", "shift", "bias"])
def test_consumer_refuses_other_lengths(name):
    key = {"factor": "scale"}.get(name, name)
    arguments = {"bias": None, "scale": 1.0, "shift": 0.0, key: np.ones(2)}
    with pytest.raises(ValueError, match=rf"`{name}` has shape \(2,\)"):
        fold_into_consumer(np.ones((3, 4)), layout=DENSE, **arguments)


def test_consumer_refuses_a_shift_into_a_transposed_convolution():
    with pytest.raises(ValueError, match="differs between positions"):
        fold_into_consumer(
            np.ones((3, 2, 2)), None, 1.0, 0.5, layout=TRANSPOSED
        )
