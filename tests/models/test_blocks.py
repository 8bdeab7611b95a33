import keras
import numpy as np
import pytest

from tfsnn_models import blocks, vgg


def unit(function, **options):
    x = keras.Input((6, 6, 4))
    return keras.Model(x, function(x, name="unit", **options))


def test_padding_in_front_of_a_stride_is_on_all_sides(rng):
    """As in PyTorch; that of Keras would be on the far sides only."""
    model = unit(
        blocks.convolution, filters=3, kernel_size=3, strides=2, batch_norm=True
    )
    image = rng.normal(size=(1, 6, 6, 4)).astype("float32")
    kernel = np.asarray(model.get_layer("unit_conv").kernel)
    padded = np.pad(image[0], [(1, 1), (1, 1), (0, 0)])
    expected = [
        [
            np.tensordot(padded[i : i + 3, j : j + 3], kernel, 3)
            for j in (0, 2, 4)
        ]
        for i in (0, 2, 4)
    ]
    # A fresh batch norm divides by sqrt(1 + epsilon).
    found = model(image).numpy()[0] * np.sqrt(1 + 1e-5)
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("batch_norm", [True, False])
@pytest.mark.parametrize("strides", [1, 2])
def test_batch_norm_takes_the_place_of_the_bias(batch_norm, strides):
    options = {"batch_norm": batch_norm, "strides": strides}
    models = [
        unit(blocks.depthwise, **options),
        unit(blocks.convolution, filters=2, kernel_size=1, **options),
    ]
    for model in models:
        names = [layer.name for layer in model.layers]
        assert ("unit_bn" in names) == batch_norm
        assert model.get_layer("unit_conv").use_bias != batch_norm
        assert model.output_shape[1] == 6 // strides


def test_groups_divide_the_kernel():
    model = unit(
        blocks.convolution,
        filters=4,
        kernel_size=3,
        groups=2,
        batch_norm=False,
    )
    assert model.get_layer("unit_conv").kernel.shape == (3, 3, 2, 4)


def test_channels_are_thinned_to_whole_numbers_of_at_least_one():
    assert [blocks.scaled(32, x) for x in (1.0, 0.25, 0.01, 1.5)] == [
        32,
        8,
        1,
        48,
    ]


@pytest.mark.parametrize("value", [0, -1.0, np.nan, np.inf, "1"])
def test_width_out_of_range(value):
    with pytest.raises(ValueError, match="width_multiplier=.*above 0"):
        blocks.check_width(value)


@pytest.mark.parametrize("value", [0, -1, 2.5, "10", None])
def test_numbers_of_classes_that_cannot_be_meant(value):
    with pytest.raises(ValueError, match="num_classes=.*numbers from 1"):
        blocks.classifier(keras.Input((4,)), value)


def test_images_of_two_axes():
    with pytest.raises(ValueError, match="input_shape=.32, 32.. Supported: h"):
        blocks.image_input((32, 32), None, None)


@pytest.mark.parametrize("shape", [(16, 32, 3), (None, None, 3)])
def test_vgg_needs_five_poolings(shape):
    with pytest.raises(ValueError, match="a known size of at least 32x32"):
        vgg.vgg16(input_shape=shape)


@pytest.mark.parametrize(
    ("mean", "std"),
    [
        ((1.0, 2.0), (1.0, 2.0)),
        ((1.0, 2.0, 3.0), (1.0, 2.0, 0.0)),
        ((1.0, 2.0, 3.0), (1.0, -2.0, 3.0)),
        ((1.0, np.nan, 3.0), (1.0, 2.0, 3.0)),
    ],
)
def test_pixels_that_cannot_be_meant(mean, std):
    with pytest.raises(ValueError, match="3 channels. Supported: one finite"):
        blocks.image_input((8, 8, 3), mean, std)


def test_mean_without_deviation_is_refused():
    with pytest.raises(ValueError, match="pixel_std=None: one without"):
        blocks.image_input((8, 8, 3), (1.0, 2.0, 3.0), None)
