"""Names to builders of the network zoo."""

import difflib
from collections.abc import Callable

import keras

from .resnet import cifar_resnet


def _depth(depth: int) -> Callable[..., keras.Model]:
    def build(**options):
        return cifar_resnet(depth=depth, **options)

    return build


BUILDERS: dict[str, Callable[..., keras.Model]] = {
    "resnet20": _depth(20),
    "resnet32": _depth(32),
    "resnet44": _depth(44),
    "resnet56": _depth(56),
}


def build(name: str, **options) -> keras.Model:
    """Builds a network of the zoo with fresh weights.

    Args:
        name: One of `BUILDERS`.
        **options: Keyword arguments of the builder.

    Returns:
        `keras.Model`, images to logits.

    Raises:
        ValueError: If the name is unknown.
    """
    if name not in BUILDERS:
        near = difflib.get_close_matches(name, BUILDERS, n=1)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        raise ValueError(
            f"Unknown network '{name}'. Supported:"
            f" {', '.join(sorted(BUILDERS))}.{hint}"
        )
    return BUILDERS[name](**options)
