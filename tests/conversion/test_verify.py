import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.support.convertible import (
    build,
    classify,
    conv,
    make_images,
    network,
)
from tests.support.networks import kinds
from tfsnn.conversion import convert, converter
from tfsnn.conversion.verify import probe_images, tolerance_for, verify
from tfsnn.errors import ConversionError, DataError
from tfsnn.graph import trace

layers = keras.layers


def dense():
    x = keras.Input((4,))
    model = keras.Model(x, layers.Dense(2, name="dense")(x), name="net")
    model.set_weights([np.ones((4, 2)), np.zeros(2)])
    return model


def test_equal_models_do_not_differ():
    assert verify(dense(), dense()) == 0


@pytest.mark.parametrize("images", [None, np.ones((1, 4), "float32")])
def test_a_lost_bias_is_found(images):
    changed = dense()
    changed.layers[-1].bias.assign([0.1, 0.0])
    with pytest.raises(ConversionError, match="differs from 'net' by .*fault"):
        verify(changed, dense(), images)


def test_rounding_is_allowed():
    changed = dense()
    changed.layers[-1].bias.assign([1e-5, 0.0])
    assert 0 < verify(changed, dense()) < 1e-4


def test_the_difference_is_relative_to_the_largest_output():
    changed = dense()
    changed.layers[-1].bias.assign([1e-4, 0.0])
    images = np.full((2, 4), 10.0, "float32")
    # Outputs of 40, known to float32.
    assert verify(changed, dense(), images) == pytest.approx(2.5e-6, rel=0.05)


@pytest.mark.parametrize(
    ("images", "text"),
    [(None, "8 random inputs"), (np.ones((3, 4), "float32"), "3 given inputs")],
)
def test_outputs_that_are_not_finite_are_refused(images, text):
    source = dense()
    source.set_weights([np.full((4, 2), 3e38), np.zeros(2)])
    with pytest.raises(ConversionError, match=f"not finite on {text}"):
        verify(dense(), source, images)


def test_a_prepared_model_that_is_not_finite_is_refused():
    changed = dense()
    changed.layers[-1].bias.assign([np.nan, 0.0])
    with pytest.raises(ConversionError, match="by nan of the largest"):
        verify(changed, dense())


def test_probe_images_are_normal_and_pixels():
    x = keras.Input((None, 5, 3))
    model = keras.Model(x, layers.ReLU()(x))
    images = probe_images(model)
    assert images.shape == (8, 32, 5, 3)
    assert images.dtype == np.float32
    assert np.abs(images[:4]).max() < 6
    assert 200 < images[4:].max() <= 255
    np.testing.assert_array_equal(images, probe_images(model))


@pytest.mark.parametrize(
    ("dtype", "tolerance"),
    [
        ("float64", 1e-9),
        ("float32", 1e-4),
        ("mixed_float16", 2e-2),
        ("mixed_bfloat16", 1e-1),
    ],
)
def test_tolerance_is_that_of_the_coarsest_layer(dtype, tolerance):
    x = keras.Input((4,), dtype="float64")
    model = keras.Model(x, layers.Dense(2, dtype=dtype)(x))
    assert tolerance_for(model) == tolerance


def test_mixed_precision_converts():
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = network(
            lambda x: classify(
                layers.ReLU()(layers.BatchNormalization()(conv(x)))
            )
        )
    finally:
        keras.config.set_dtype_policy(policy)
    assert convert(model).difference <= 1e-1


def breaking(graph):
    """A pass that loses a bias."""
    broken = trace(graph.model)
    for layer in broken.model.layers:
        if isinstance(layer, layers.Dense):
            layer.bias.assign(layer.bias + 1.0)
    return broken


def test_a_pass_that_changes_the_outputs_is_found(monkeypatch):
    right = converter.prepare
    monkeypatch.setattr(
        converter, "prepare", lambda graph: breaking(right(graph))
    )
    with pytest.raises(ConversionError, match="prepared model differs"):
        convert(build("relu_layers"))


def test_a_pass_that_leaves_a_relu_is_found(monkeypatch):
    monkeypatch.setattr(converter, "prepare", lambda graph: graph)
    with pytest.raises(ConversionError, match="ReLUs inside of .'conv2d"):
        convert(build("fused_relus"))


def test_a_pass_that_leaves_other_things_is_found(monkeypatch):
    other = trace(
        network(lambda x: layers.UnitNormalization()(layers.ReLU()(x)))
    )
    monkeypatch.setattr(converter, "prepare", lambda graph: other)
    with pytest.raises(ConversionError, match="UnitNormalization") as caught:
        convert(build("relu_layers"))
    assert kinds(other.model)[-1] == caught.value.findings.findings[0].kind


def test_the_sample_is_what_is_compared():
    sample = np.full_like(make_images(), 3e38)
    with pytest.raises(ConversionError, match="3 given inputs"):
        convert(build("relu_layers"), sample=sample)


IMAGES = np.ones((3, 4), "float32")


@pytest.mark.parametrize(
    "sample",
    [
        (IMAGES, np.arange(3)),
        {"image": IMAGES},
        [IMAGES, IMAGES],
        tf.data.Dataset.from_tensor_slices(IMAGES),
        lambda: iter([[IMAGES]]),
        IMAGES.astype("uint8"),
        [[1, 1, 1, 1]],
    ],
    ids=["tuple", "dict", "batches", "dataset", "function", "uint8", "list"],
)
def test_a_sample_comes_in_any_form(sample):
    assert verify(dense(), dense(), sample) == 0
    changed = dense()
    changed.layers[-1].bias.assign([1.0, 0.0])
    with pytest.raises(ConversionError, match="differs"):
        verify(changed, dense(), sample)


@pytest.mark.parametrize(
    ("sample", "text"),
    [
        (IMAGES[:0], "sample: Received no images. Supported: at least 1"),
        ([], "sample: Received no images"),
        (IMAGES[:, :3], r"shape \(3, 3\).*\[B, 4\]"),
        (IMAGES[0], "single image"),
        (IMAGES * np.nan, "12 NaN"),
        (IMAGES.astype(str), "not numeric"),
        ("x.npz", "Received str as data"),
    ],
    ids=["empty", "none", "shape", "single", "nan", "text", "path"],
)
def test_a_sample_that_does_not_fit_is_refused(sample, text):
    with pytest.raises(DataError, match=text):
        verify(dense(), dense(), sample)


def test_convert_refuses_an_empty_sample():
    with pytest.raises(DataError, match="no images"):
        convert(build("relu_layers"), sample=make_images()[:0])
