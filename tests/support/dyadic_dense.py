"""Two dense layers on multiples of 1/8: every sum is exact."""

import functools

import keras
import numpy as np


@functools.cache
def network():
    """Two hidden layers, `first` and `second`."""
    image = keras.Input((4,))
    x = keras.layers.Dense(5, activation="relu", name="first")(image)
    x = keras.layers.Dense(3, activation="relu", name="second")(x)
    model = keras.Model(image, keras.layers.Dense(2)(x))
    rng = np.random.default_rng(3)
    model.set_weights(
        [rng.integers(-6, 9, w.shape) / 8 for w in model.get_weights()]
    )
    return model


@functools.cache
def images(count=32):
    """`[count, 4]` float32."""
    rng = np.random.default_rng(4)
    return (rng.integers(-8, 9, (count, 4)) / 8).astype("float32")


def currents(layer, values):
    """What a hidden layer makes of values, float64."""
    kernel, bias = weights(layer)
    return values @ kernel + bias


def weights(layer):
    """Kernel and bias of a hidden layer, float64."""
    return [
        np.asarray(w, "float64") for w in network().get_layer(layer).weights
    ]
