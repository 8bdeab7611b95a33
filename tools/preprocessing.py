"""The stated way from stored pixels to what a network takes."""

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfsnn import batches
from tfsnn.calibration.arguments import is_number
from tfsnn.errors import DataError
from tfsnn_models.datasets import center_crop
from tfsnn_tools import user_modules

Number = float | str
AT_ONCE = 64
"""Images resized at a time."""


@dataclasses.dataclass(frozen=True)
class Preprocessing:
    """`(pixels * scale - mean) / std`, or a function instead, after resizing.

    The default changes nothing.

    Attributes:
        scale: Factor of the pixels, finite and not 0.
        mean: Subtracted after scaling: one number, or one a channel; empty:
            nothing.
        std: Divides last: positive, one number or one a channel; empty:
            nothing.
        function: `module:function` called with all images `[N, H, W, C]`
            float32 instead of the three above; it may change H and W.
        resize: `(H, W)` in pixels, bilinear and before everything else; None:
            refuse images of another size.
        crop: `(H, W)` in place of `resize`: the middle, in its proportions,
            see `center_crop`.
    """

    scale: float = 1.0
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    function: str | None = None
    resize: tuple[int, int] | None = None
    crop: tuple[int, int] | None = None

    def __post_init__(self):
        """Refuses values that cannot be meant.

        Raises:
            DataError: If a value is out of range, or values are combined of
                which only one can be: a function with scale, mean or std,
                resize with crop.
        """
        problem = self._problem()
        if problem:
            raise DataError(problem)

    def _problem(self) -> str | None:
        if not np.isfinite(self.scale) or self.scale == 0:
            return (
                f"Received scale={self.scale}. Supported: finite numbers other"
                " than 0. Use, for example, 1/255."
            )
        if not np.isfinite(self.mean).all():
            return (
                f"Received mean={self.mean}. Supported: finite numbers. Give"
                " one a channel."
            )
        if not (np.isfinite(self.std).all() and np.all(np.array(self.std) > 0)):
            return (
                f"Received std={self.std}. Supported: numbers above 0. Give"
                " one a channel."
            )
        for name in ("resize", "crop"):
            size = getattr(self, name)
            if size and (
                len(size) != 2
                or not all(map(is_number, size))
                or any(side < 1 or side % 1 for side in size)
            ):
                return (
                    f"Received {name}={size}. Supported: a height and a width"
                    " in whole pixels, at least 1. Use, for example, 32,32."
                )
        if self.resize and self.crop:
            return (
                f"Received resize={self.resize} together with"
                f" crop={self.crop}. Supported: one or the other. Use crop to"
                " keep the proportions."
            )
        if self.function is None:
            return None
        if self.scale != 1 or self.mean or self.std:
            return (
                f"Received function={self.function} together with scale, mean"
                " or std. Supported: one or the other. Scale inside the"
                " function."
            )
        module, _, name = self.function.partition(":")
        if not module or not name:
            return (
                f"Received function={self.function}. Supported:"
                " module:function. Name both, for example"
                " my_package.data:preprocess."
            )
        return None

    @classmethod
    def from_flags(
        cls,
        *,
        scale: Number | None = None,
        mean: Sequence[Number] | None = None,
        std: Sequence[Number] | None = None,
        function: str | None = None,
        resize: Sequence[int | str] | None = None,
        crop: Sequence[int | str] | None = None,
    ) -> "Preprocessing":
        """Builds from the values of command-line flags, texts or numbers.

        Args:
            scale: A number or a fraction, `1/255`.
            mean: Numbers or fractions.
            std: Numbers or fractions.
            function: `module:function`.
            resize: Height and width in pixels.
            crop: Height and width in pixels.

        Returns:
            The preprocessing; what is None or empty keeps its default.

        Raises:
            DataError: If a text is no number, or see `Preprocessing`.
        """
        return cls(
            scale=1.0 if scale in (None, "") else _number("scale", scale),
            mean=tuple(_number("mean", value) for value in mean or ()),
            std=tuple(_number("std", value) for value in std or ()),
            function=function or None,
            resize=_size("resize", resize),
            crop=_size("crop", crop),
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain types; the inverse of `from_dict`."""
        values = dataclasses.asdict(self)
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in values.items()
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Preprocessing":
        """The inverse of `to_dict`.

        Raises:
            DataError: See `Preprocessing`.
            TypeError: If a name is unknown or a value of another type.
        """
        values = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in values.items()
        }
        return cls(**values)

    def describe(self) -> str:
        """One line for the manifest, for example `x * 0.5 - (1)`."""
        formula = "x" if self.scale == 1 else f"x * {self.scale:.9g}"
        if self.mean:
            formula = f"{formula} - {_tuple_text(self.mean)}"
        if self.std:
            formula = f"({formula}) / {_tuple_text(self.std)}"
        if self.function:
            formula = f"{self.function}(x)"
        if self.resize:
            formula += f", x resized to {_size_text(self.resize)} (bilinear)"
        if self.crop:
            formula += f", x cropped to {_size_text(self.crop)} of the middle"
        return formula

    @property
    def size(self) -> tuple[int, int] | None:
        """`(H, W)` of what `resized` gives; None: as it was."""
        return self.resize or self.crop

    def resized(self, images: np.ndarray) -> np.ndarray:
        """Applies the first half, `resize` or `crop`, where one is set.

        Args:
            images: `[H, W, C]` or `[N, H, W, C]` numbers.

        Returns:
            The same, where they have this size; or resized as float32.
        """
        size = self.size
        if size is None or images.shape[-3:-1] == size:
            return images
        part = _middle(size, images.ndim) if self.crop else _whole(size)
        if images.ndim == 3:
            return part(images).numpy()
        found = np.empty((len(images), *size, images.shape[-1]), np.float32)
        for start in range(0, len(images), AT_ONCE):
            rows = slice(start, start + AT_ONCE)
            found[rows] = part(images[rows])
        return found

    def transform(self) -> Callable[[np.ndarray], np.ndarray]:
        """The second half, everything behind `resized`, as a function.

        Returns:
            A function from `[N, H, W, C]` float32, which it may overwrite, to
            the network's input.

        Raises:
            DataError: If `function` cannot be imported; from the function
                returned, if mean or std do not fit the channels, or `function`
                returns no array of N images.
        """
        if self.function is None:
            return self._affine
        function = _import_function(self.function)

        def call(images: np.ndarray) -> np.ndarray:
            result = batches.to_array(function(images), "preprocessed images")
            if result.shape[:1] != images.shape[:1]:
                raise DataError(
                    f"Function {self.function} received {len(images)} images"
                    f" and returned an array of shape {result.shape}."
                    " Supported: one result an image. Return the batch."
                )
            return result

        return call

    def _affine(self, images: np.ndarray) -> np.ndarray:
        channels = images.shape[-1]
        for name, values in (("mean", self.mean), ("std", self.std)):
            if len(values) not in (0, 1, channels):
                raise DataError(
                    f"Received {len(values)} numbers in {name}={values}, but"
                    f" the images have {channels} channels. Supported: one"
                    " number, or one a channel. Adapt the list."
                )
        images *= np.float32(self.scale)
        if self.mean:
            images -= np.array(self.mean, np.float32)
        if self.std:
            images /= np.array(self.std, np.float32)
        return images


@functools.cache
def _middle(size: tuple[int, int], num_axes: int) -> Callable:
    """Traced once for images, and once for batches of them."""
    del num_axes
    crop = functools.partial(center_crop, size=size)
    return tf.function(crop, reduce_retracing=True)


def _whole(size: tuple[int, int]) -> Callable:
    return functools.partial(tf.image.resize, size=size)


def _tuple_text(values: tuple[float, ...]) -> str:
    return f"({', '.join(f'{value:.9g}' for value in values)})"


def _size_text(size: tuple[int, int]) -> str:
    return "x".join(map(str, size))


def _size(
    name: str, sides: Sequence[int | str] | None
) -> tuple[int, int] | None:
    sizes = [_number(name, side) for side in sides or ()]
    if any(size % 1 for size in sizes):
        raise DataError(
            f"Received {name}={','.join(map(str, sides))}. Supported: whole"
            " numbers of pixels. Use, for example, 32,32."
        )
    return tuple(int(size) for size in sizes) or None


def _number(name: str, value: Number) -> float:
    numerator, slash, denominator = str(value).partition("/")
    try:
        return float(numerator) / float(denominator if slash else 1)
    except (ValueError, ZeroDivisionError) as error:
        raise DataError(
            f"Received '{value}' in {name}. Supported: numbers and fractions."
            " Use, for example, 0.5 or 1/255."
        ) from error


def _import_function(spec: str) -> Callable:
    """Imports `module:function`, also from the current folder."""
    module_name, _, name = spec.partition(":")
    try:
        function = getattr(user_modules.imported(module_name), name)
    except (ImportError, AttributeError, SyntaxError) as error:
        raise DataError(
            f"Received function={spec}, which cannot be imported:"
            f" {type(error).__name__}: {error}. Supported: a function of an"
            " installed module or of a file in the current folder. Check both"
            " names."
        ) from error
    if not callable(function):
        raise DataError(
            f"Received function={spec}, which is a {type(function).__name__}."
            " Supported: functions of one batch of images. Name a function."
        )
    return function
