"""Names to builders of the network zoo."""

import difflib
import functools
import os
from collections.abc import Callable

import keras

from .deep_stem_resnet import resnet34, wide_resnet20
from .mobilenet import mobilenet, mobilenet_cifar
from .regnet import regnetx
from .resnet import cifar_resnet
from .vgg import vgg16, vgg16_imagenet

MIN_LIKENESS = 0.4

BUILDERS: dict[str, Callable[..., keras.Model]] = {
    "vgg16": vgg16,
    "vgg16_imagenet": vgg16_imagenet,
    "resnet20": functools.partial(cifar_resnet, depth=20),
    "resnet32": functools.partial(cifar_resnet, depth=32),
    "resnet44": functools.partial(cifar_resnet, depth=44),
    "resnet56": functools.partial(cifar_resnet, depth=56),
    "resnet20_wide": wide_resnet20,
    "resnet34": resnet34,
    "mobilenet": mobilenet,
    "mobilenet_cifar": mobilenet_cifar,
    "regnetx_4gf": regnetx,
}


def builder(name: str) -> Callable[..., keras.Model]:
    """The builder of a network of the zoo.

    Args:
        name: One of `BUILDERS`.

    Returns:
        A function of keyword arguments to a model.

    Raises:
        ValueError: If the name is unknown; suggests the nearest.
    """
    if name not in BUILDERS:
        near = _nearest(name)
        hint = f" Did you mean '{near}'?" if near else ""
        raise ValueError(
            f"Unknown network '{name}'. Supported:"
            f" {', '.join(sorted(BUILDERS))}.{hint}"
        )
    return BUILDERS[name]


def build(name: str, **options) -> keras.Model:
    """Builds a network of the zoo with fresh weights.

    Args:
        name: One of `BUILDERS`.
        **options: Keyword arguments of the builder.

    Returns:
        `keras.Model`, images to logits.

    Raises:
        ValueError: If the name is unknown, or see the builder.
    """
    return builder(name)(**options)


def _nearest(name):
    """The most similar name, or of two the one that begins more alike."""

    def likeness(other):
        ratio = difflib.SequenceMatcher(None, name.lower(), other).ratio()
        return ratio, len(os.path.commonprefix([name.lower(), other]))

    best = max(BUILDERS, key=likeness)
    return best if likeness(best)[0] > MIN_LIKENESS else None
