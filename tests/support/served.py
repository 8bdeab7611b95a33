"""A small classifier of colour images, exported in every form."""

import keras
import numpy as np
import tensorflow as tf

from tests.support.spiking_networks import spiking
from tfsnn.export import ImageDecoding

IMAGE_SHAPE = (8, 8, 3)
DECODING = ImageDecoding(scale=1 / 255, mean=(0.5, 0.4, 0.3), std=(0.25,))


def network(seed: int = 0) -> keras.Model:
    """Two neurons and a softmax, weights that are not dyadic."""
    keras.utils.set_random_seed(seed)
    image = keras.Input(IMAGE_SHAPE, name="image")
    x = keras.layers.Conv2D(4, 3, name="stem")(image)
    x = keras.layers.ReLU(name="first")(x)
    x = keras.layers.Conv2D(6, 3, name="conv")(x)
    x = keras.layers.ReLU(name="second")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    x = keras.layers.Dense(3, name="scores")(x)
    x = keras.layers.Softmax(name="shares")(x)
    return keras.Model(image, x, name="served")


def family(timesteps=(2, 4), seed: int = 0) -> dict[int, keras.Model]:
    """T to spiking model."""
    return {T: spiking(network(seed), timesteps=T) for T in timesteps}


def images(count: int, seed: int = 0) -> np.ndarray:
    """`[count, 8, 8, 3]`, 0...1."""
    rng = np.random.default_rng(seed)
    return rng.random((count, *IMAGE_SHAPE), dtype="float32")


def image_files(count: int) -> list[bytes]:
    """PNG and JPEG files, some of another size than the network's."""
    rng = np.random.default_rng(1)
    files = []
    for number in range(count):
        size = 8 + 3 * (number % 2)
        pixels = rng.integers(0, 256, (size, size, 3), np.uint8)
        encode = tf.io.encode_jpeg if number % 3 == 2 else tf.io.encode_png
        files.append(encode(pixels).numpy())
    return files


def inputs_of(signature: str, count: int) -> dict[str, np.ndarray]:
    """Values that a signature takes."""
    if signature.endswith("serialized"):
        return {"serialized": np.array(image_files(count), dtype=object)}
    values = {"images": images(count)}
    if signature.endswith("anytime"):
        values["confidence"] = np.linspace(0.3, 1.1, count).astype("float32")
        values["max_steps"] = np.arange(count).astype("int32")
    return values
