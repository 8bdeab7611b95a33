"""The ReLU families of keras.applications, small, with random statistics."""

import functools

import keras
import numpy as np

applications = keras.applications
SMALL, LARGE = (32, 32, 3), (75, 75, 3)


def _of(function, shape=SMALL, **options):
    return functools.partial(
        function,
        weights=None,
        input_shape=shape,
        classes=10,
        classifier_activation=None,
        **options,
    )


CHEAP = {
    "MobileNet": _of(applications.MobileNet, alpha=0.25),
    "MobileNetV2": _of(applications.MobileNetV2, alpha=0.35),
}
"""Cheap enough for every run of the tests."""

HEAVY = {
    "VGG16": _of(applications.VGG16),
    "VGG19": _of(applications.VGG19),
    "ResNet50": _of(applications.ResNet50),
    "ResNet101": _of(applications.ResNet101),
    "ResNet152": _of(applications.ResNet152),
    "ResNet50V2": _of(applications.ResNet50V2),
    "ResNet101V2": _of(applications.ResNet101V2),
    "ResNet152V2": _of(applications.ResNet152V2),
    "DenseNet121": _of(applications.DenseNet121),
    "DenseNet169": _of(applications.DenseNet169),
    "DenseNet201": _of(applications.DenseNet201),
    "InceptionV3": _of(applications.InceptionV3, LARGE),
    "InceptionResNetV2": _of(applications.InceptionResNetV2, LARGE),
    "Xception": _of(applications.Xception, LARGE),
    "NASNetMobile": _of(applications.NASNetMobile),
}

OTHER = {
    "EfficientNetB0": _of(applications.EfficientNetB0),
    "MobileNetV3Small": _of(applications.MobileNetV3Small),
    "ConvNeXtTiny": _of(applications.ConvNeXtTiny),
}
"""They have no ReLU at the places that count."""


def build(make) -> keras.Model:
    """Builds one with weights like those of a trained one.

    Kernels keep the size of activations, also the depthwise ones, so that the
    outputs depend on the images; batch norms get random statistics.
    """
    model = make()
    rng = np.random.default_rng(0)
    for variable in model.weights:
        if variable.name.endswith("kernel"):
            variable.assign(_kernel(variable, rng))
        elif variable.name in ("gamma", "moving_variance"):
            variable.assign(rng.uniform(0.5, 1.5, variable.shape))
        else:
            variable.assign(rng.normal(scale=0.1, size=variable.shape))
    return model


def _kernel(variable, rng):
    *taps, fan_in, _ = variable.shape
    fan_in *= np.prod(taps)
    if len(variable.shape) > 2 and variable.shape[-1] == 1:
        fan_in = np.prod(taps)  # A depthwise one, one channel of one.
    return rng.normal(scale=np.sqrt(2 / fan_in), size=variable.shape)


def images(model: keras.Model, count: int = 2) -> np.ndarray:
    """Random images, float32 `[count, ...]`."""
    rng = np.random.default_rng(1)
    shape = (count, *model.inputs[0].shape[1:])
    return rng.normal(size=shape).astype("float32")
