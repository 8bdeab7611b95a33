"""What a saved graph demands of images before it computes anything."""

import keras
import tensorflow as tf

INPUT_NAME = "images"


def images_spec(image: keras.KerasTensor) -> tf.TensorSpec:
    """The input of every signature that takes images.

    Args:
        image: The input of the model.

    Returns:
        Float32 `[B, ...]`, any B.
    """
    return tf.TensorSpec([None, *image.shape[1:]], tf.float32, INPUT_NAME)


def checked_images(images: tf.Tensor, image: keras.KerasTensor) -> tf.Tensor:
    """Images in the dtype of the model; refused if they cannot be meant.

    A server feeds whatever it receives: a network with a global pool would
    take images of another size, NaN would come back as an answer, and no image
    at all fails somewhere inside. The checks are operations of the graph, so
    that they hold in every server.

    Args:
        images: Float32 `[B, ...]`.
        image: The input of the model.

    Returns:
        `[B, ...]` in the dtype of `image`.

    Raises:
        tf.errors.InvalidArgumentError: At run time, if the shape is another
            one, there is no image, or a value is NaN or infinite.
    """
    spec = images_spec(image)
    images = tf.ensure_shape(images, spec.shape)
    some = tf.debugging.Assert(
        tf.shape(images)[0] > 0,
        [
            # Without quotes, which Assert shows with backslashes.
            f"Input {INPUT_NAME} holds no image. Supported: at least one,"
            f" {spec.shape}."
        ],
    )
    with tf.control_dependencies([some]):
        images = tf.identity(images)
    images = tf.debugging.check_numerics(
        images,
        f"Input '{INPUT_NAME}' holds values that are not finite. Supported:"
        f" finite numbers {spec.shape}. Check the preprocessing.",
    )
    return tf.cast(images, image.dtype)
