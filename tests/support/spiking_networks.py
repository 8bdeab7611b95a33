"""Small spiking networks on which stepping and evaluation are tested."""

import keras
import numpy as np

from tfsnn.conversion.spiking import build_spiking_model
from tfsnn.dynamics import IntegrateAndFire, NeuronKind
from tfsnn.graph.trace import trace
from tfsnn.layers import SpikingActivation
from tfsnn.types import NeuronParameters

IMAGE_SHAPE = (6, 6, 2)
layers = keras.layers


def residual_network() -> keras.Model:
    """Shortcuts of every kind, pooling, concatenation, three outputs.

    The stem's current is constant and meets spikes; identities pass one or two
    neurons; outputs are logits, a softmax, and one read out early.
    """
    image = keras.Input(IMAGE_SHAPE, name="image")
    stem = layers.Conv2D(3, 3, padding="same")(image)
    first = layers.ReLU(name="first")(stem)
    x = layers.Conv2D(3, 3, padding="same")(first)
    x = layers.ReLU(name="inner")(x)
    x = layers.Conv2D(3, 3, padding="same")(x)
    block = layers.ReLU(name="block")(layers.Add()([x, first, stem]))
    x = layers.Conv2D(3, 3, strides=2, padding="same")(block)
    x = layers.ReLU(name="strided")(x)
    pooled = layers.AveragePooling2D(2)(block)
    x = layers.Concatenate()([x, pooled, first[:, ::2, ::2]])
    x = layers.ReLU(name="joined")(x)
    x = layers.Flatten()(x)
    early = layers.Dense(3, name="early")(layers.Flatten()(first))
    shares = layers.Softmax(name="shares")(layers.Dense(2)(x))
    return keras.Model(image, [layers.Dense(4)(x), shares, early])


def classifier(num_classes: int = 3, head: str | None = None) -> keras.Model:
    """Two neurons and logits; `head` is fused into the last layer."""
    image = keras.Input(IMAGE_SHAPE, name="image")
    x = layers.Conv2D(4, 3, name="stem")(image)
    x = layers.ReLU(name="first")(x)
    x = layers.Conv2D(5, 3, name="conv")(x)
    x = layers.ReLU(name="second")(x)
    x = layers.Flatten()(x)
    x = layers.Dense(num_classes, name="logits", activation=head)(x)
    return keras.Model(image, x, name="classifier")


def make_dyadic(model: keras.Model) -> keras.Model:
    """Sets weights to small multiples of 1/8: sums of them are exact."""
    rng = np.random.default_rng(0)
    weights = [rng.integers(-4, 5, w.shape) / 8 for w in model.get_weights()]
    model.set_weights(weights)
    return model


def images(count: int, seed: int = 0) -> np.ndarray:
    """Dyadic images `[count, ...]`, 0...1."""
    rng = np.random.default_rng(seed)
    return (rng.integers(0, 9, (count, *IMAGE_SHAPE)) / 8).astype("float32")


def spiking(
    model: keras.Model,
    *,
    timesteps: int = 5,
    lag: int | None = None,
    reset: str = "soft",
    kind: NeuronKind | None = None,
    parameters: dict[str, NeuronParameters] | None = None,
) -> keras.Model:
    """The spiking form of a network without batch normalisation."""
    return build_spiking_model(
        trace(model),
        timesteps=timesteps,
        lag=lag,
        kind=kind or IntegrateAndFire(reset),
        parameters=parameters or {},
    )


def with_lags(model: keras.Model, lags: dict[str, int]) -> keras.Model:
    """A copy of a spiking model with other lags for some neurons."""

    def clone(layer):
        config = layer.get_config()
        if isinstance(layer, SpikingActivation):
            config["lag"] = lags.get(layer.name, layer.lag)
        return type(layer).from_config(config)

    copy = keras.models.clone_model(model, clone_function=clone)
    copy.set_weights(model.get_weights())
    return copy
