"""What a saved graph demands of images before it computes anything."""

import re
from collections.abc import Sequence

import keras
import tensorflow as tf

from tfsnn.errors import ExportError

INPUT_NAME = "images"
TAKEN = ("confidence", "max_steps")
"""Inputs of the signature `anytime` that are no images."""


def images_specs(inputs: Sequence[keras.KerasTensor]) -> list[tf.TensorSpec]:
    """The inputs of every signature that takes images.

    Args:
        inputs: Those of the model.

    Returns:
        Float32 `[B, ...]`, any B. One is called `images`; several have the
        names that they have in the model, with `_` for what TensorFlow does
        not allow in a signature.

    Raises:
        ExportError: If two would have the same name, or one that a signature
            needs for something else.
    """
    names = [re.sub(r"\W", "_", tensor.name, flags=re.A) for tensor in inputs]
    if len(names) == 1:
        names = [INPUT_NAME]
    wrong = [n for n in names if names.count(n) > 1 or n in TAKEN]
    if wrong:
        raise ExportError(
            f"Inputs of the network would be called {sorted(set(wrong))} in"
            " the signatures. Supported: names that differ, other than"
            f" {', '.join(TAKEN)}. Name them: keras.Input(shape, name=...)."
        )
    return [
        tf.TensorSpec([None, *tensor.shape[1:]], tf.float32, name)
        for name, tensor in zip(names, inputs, strict=True)
    ]


def checked_images(
    images: Sequence[tf.Tensor], inputs: Sequence[keras.KerasTensor]
) -> tf.Tensor | tuple[tf.Tensor, ...]:
    """Images in the dtype of the model; refused if they cannot be meant.

    A server feeds whatever it receives: a network with a global pool would
    take images of another size, NaN would come back as an answer, and no image
    at all fails somewhere inside. The checks are operations of the graph, so
    that they hold in every server.

    Args:
        images: Float32 `[B, ...]`, one for each input.
        inputs: Those of the model.

    Returns:
        `[B, ...]` in the dtype of the input; a tuple for several.

    Raises:
        tf.errors.InvalidArgumentError: At run time, if the shape is another
            one, there is no image, inputs have not the same number of them, or
            a value is NaN or infinite.
    """
    specs = images_specs(inputs)
    count = tf.shape(images[0])[0] if len(specs) > 1 else None
    checked = tuple(
        tf.cast(_checked(values, spec, count), tensor.dtype)
        for values, spec, tensor in zip(images, specs, inputs, strict=True)
    )
    return checked[0] if len(checked) == 1 else checked


def _checked(images, spec, count):
    images = tf.ensure_shape(images, spec.shape)
    asserted = [
        tf.debugging.Assert(
            tf.shape(images)[0] > 0,
            [
                # Without quotes, which Assert shows with backslashes.
                f"Input {spec.name} holds no image. Supported: at least one,"
                f" {spec.shape}."
            ],
        )
    ]
    if count is not None:
        asserted.append(
            tf.debugging.Assert(
                tf.shape(images)[0] == count,
                [f"Input {spec.name} holds", tf.shape(images)[0], "rows for"]
                + [count, "of the first input. Supported: as many in each."],
            )
        )
    with tf.control_dependencies(asserted):
        images = tf.identity(images)
    return tf.debugging.check_numerics(
        images,
        f"Input '{spec.name}' holds values that are not finite. Supported:"
        f" finite numbers {spec.shape}. Check the preprocessing.",
    )
