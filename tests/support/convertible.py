"""Small networks that convert: every form of ReLU, every way of joining."""

import functools

import keras
import numpy as np

from tests.support.networks import with_random_weights

layers, ops = keras.layers, keras.ops
SHAPE = (6, 6, 2)
CASES = {}


def network(function, shape=SHAPE, name="net"):
    """A functional model of a function from tensor to outputs."""
    inputs = keras.Input(shape)
    return keras.Model(inputs, function(inputs), name=name)


def conv(x, filters=3, **arguments):
    return layers.Conv2D(filters, 3, padding="same", **arguments)(x)


def classify(x):
    return layers.Dense(4, name="classes")(layers.Flatten()(x))


def dyadic(model, seed=0):
    """Weights that are multiples of 1/4: sums of spikes do not round."""
    rng = np.random.default_rng(seed)
    for variable in model.weights:
        variable.assign(rng.integers(-3, 4, variable.shape) / 4)
    return model


def make_images(count=3, shape=SHAPE, seed=0):
    """Multiples of 1/4 between -2 and 2, float32."""
    rng = np.random.default_rng(seed)
    images = rng.integers(-8, 9, (count, *shape)) / 4
    return images.astype("float32")


@functools.cache
def build(name):
    """A case with random weights; the same model at every call."""
    return with_random_weights(CASES[name](), np.random.default_rng(0))


def case(function):
    CASES[function.__name__] = lambda: network(function)
    return function


@case
def relu_layers(x):
    x = layers.ReLU()(layers.BatchNormalization()(conv(x)))
    return classify(layers.ReLU()(conv(x)))


@case
def relu_functions(x):
    x = ops.relu(conv(x))
    x = ops.relu6(conv(x))
    return classify(keras.activations.relu(conv(x), max_value=2.0))


@case
def fused_relus(x):
    x = conv(x, activation="relu")
    x = layers.DepthwiseConv2D(3, activation="relu6")(x)
    relu = layers.ReLU(max_value=1.5)
    return classify(layers.Dense(5, activation=relu)(layers.Flatten()(x)))


@case
def activation_layers(x):
    x = layers.Activation("relu")(conv(x))
    return classify(layers.Dropout(0.5)(layers.Activation("relu6")(conv(x))))


@case
def residual(x):
    x = layers.ReLU()(conv(x, 3))
    y = layers.ReLU()(layers.BatchNormalization()(conv(x, 3)))
    x = layers.ReLU()(layers.Add()([x, conv(y, 3)]))
    return classify(layers.GlobalAveragePooling2D()(x))


@case
def pre_activation(x):
    x = conv(x, 3, name="stem")
    for _ in range(2):
        y = layers.ReLU()(layers.BatchNormalization()(x))
        x = layers.Add()([x, conv(y, 3)])
    return classify(layers.ReLU()(x))


@case
def constant_shortcut(x):
    y = layers.ReLU()(conv(x, 2))
    return classify(layers.ReLU()(layers.Add()([conv(y, 2), x])))


@case
def concatenated(x):
    y = layers.ReLU()(conv(x, 2))
    z = layers.ReLU()(conv(y, 3))
    return classify(layers.ReLU()(conv(layers.Concatenate()([x, y, z]))))


@case
def pooled_with_softmax(x):
    x = layers.AveragePooling2D(2)(layers.ReLU()(conv(x)))
    return layers.Softmax()(classify(layers.ReLU()(conv(x))))


@case
def shared_relu(x):
    relu = layers.ReLU(name="relu")
    return classify(relu(conv(relu(conv(x)))))


@case
def neuron_as_output(x):
    return layers.ReLU()(layers.ReLU()(conv(x)))


@case
def two_outputs(x):
    x = layers.ReLU()(conv(x))
    y = layers.ReLU()(conv(x))
    return {"maps": y, "classes": classify(x)}


@case
def max_pooled(x):
    x = layers.MaxPooling2D(3, strides=2, padding="same")(conv(x))
    x = layers.ReLU()(x)
    y = layers.ReLU()(conv(x, 4))
    y = layers.Add()(
        [layers.MaxPooling2D(2)(conv(y, 4)), y[:, ::2, ::2][:, :1, :1]]
    )
    y = layers.GlobalMaxPooling2D()(layers.ReLU()(y))
    return layers.Dense(4, name="classes")(y)


@case
def nested(x):
    inner = keras.Sequential(
        [
            keras.Input((6, 6, 3)),
            layers.Conv2D(3, 3, padding="same"),
            layers.ReLU(),
        ]
    )
    return classify(inner(inner(conv(x))))


@case
def shared_convolution(x):
    shared = layers.Conv2D(3, 3, padding="same", name="shared")
    y = layers.ReLU()(conv(x, 3))
    first = layers.ReLU(name="first")(shared(y))
    second = layers.ReLU(name="second")(shared(first))
    return classify(layers.Concatenate()([first, second]))


def _sequential():
    return keras.Sequential(
        [
            keras.Input(SHAPE),
            layers.Conv2D(3, 3, use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.AveragePooling2D(2),
            layers.Flatten(),
            layers.Dense(5, activation="relu"),
            layers.Dense(4, activation="softmax"),
        ],
        name="net",
    )


CASES["sequential"] = _sequential
