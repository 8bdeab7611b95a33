"""The smallest network and images that go through the whole chain."""

import keras
import numpy as np

NUM_IMAGES = 32


def tiny_network(activation="relu"):
    """Conv-ReLU-GAP-Dense on 8x8 images, with seeded weights."""
    inputs = keras.Input((8, 8, 1))
    x = keras.layers.Conv2D(
        4, 3, kernel_initializer=keras.initializers.HeNormal(seed=1)
    )(inputs)
    x = keras.layers.Activation(activation)(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    x = keras.layers.Dense(
        3, kernel_initializer=keras.initializers.HeNormal(seed=2)
    )(x)
    return keras.Model(inputs, x, name="tiny")


def tiny_images(seed=0):
    """Images `[N, 8, 8, 1]` and labels `[N]`, uint8."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (NUM_IMAGES, 8, 8, 1), np.uint8)
    return images, rng.integers(0, 3, NUM_IMAGES, np.uint8)
