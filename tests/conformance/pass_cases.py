"""Models that the graph passes must prepare, one idea each."""

import dataclasses
from collections.abc import Callable
from typing import Any

import keras

from tfsnn_models.resnet import cifar_resnet

layers, ops = keras.layers, keras.ops
BN = layers.BatchNormalization


@dataclasses.dataclass(frozen=True)
class Case:
    """A model and what is left of it after all passes.

    Attributes:
        build: A new model with auto-named or named layers.
        affines: Number of `ChannelAffine` that must remain.
        batch_norms: Number of `BatchNormalization` that must remain.
        relus: Number of `ReLU` layers there must be; None: not stated.
    """

    build: Callable[[], keras.Model]
    affines: int = 0
    batch_norms: int = 0
    relus: int | None = None


CASES: dict[str, Case] = {}


def case(shape=(8, 8, 2), **expected) -> Callable[[Callable], Callable]:
    """Registers a function from input tensor to outputs as a case."""

    def register(function):
        def build():
            inputs = keras.Input(shape)
            return keras.Model(inputs, function(inputs))

        CASES[function.__name__] = Case(build, **expected)
        return function

    return register


def model_case(**expected) -> Callable[[Callable], Callable]:
    """Registers a function without arguments to a model as a case."""

    def register(function):
        CASES[function.__name__] = Case(function, **expected)
        return function

    return register


LINE, IMAGE, VOLUME = (8, 2), (8, 8, 2), (6, 6, 6, 2)
# Name: input shape, layer from padding; every kind of kernel layer.
KERNEL_LAYERS: dict[str, tuple[tuple, Callable[[str], Any]]] = {
    "conv1d": (LINE, lambda pad: layers.Conv1D(4, 3, padding=pad)),
    "conv2d": (IMAGE, lambda pad: layers.Conv2D(4, 3, padding=pad)),
    "conv2d_no_bias": (
        IMAGE,
        lambda pad: layers.Conv2D(4, 3, padding=pad, use_bias=False),
    ),
    "conv2d_strided": (
        IMAGE,
        lambda pad: layers.Conv2D(4, 3, strides=2, padding=pad),
    ),
    "conv2d_dilated": (
        IMAGE,
        lambda pad: layers.Conv2D(4, 3, dilation_rate=2, padding=pad),
    ),
    "conv2d_grouped": (
        IMAGE,
        lambda pad: layers.Conv2D(6, 3, groups=2, padding=pad),
    ),
    "conv3d": (VOLUME, lambda pad: layers.Conv3D(4, 3, padding=pad)),
    "depthwise1d": (
        LINE,
        lambda pad: layers.DepthwiseConv1D(3, depth_multiplier=2, padding=pad),
    ),
    "depthwise2d": (
        IMAGE,
        lambda pad: layers.DepthwiseConv2D(3, depth_multiplier=2, padding=pad),
    ),
    "separable1d": (
        LINE,
        lambda pad: layers.SeparableConv1D(4, 3, padding=pad),
    ),
    "separable2d": (
        IMAGE,
        lambda pad: layers.SeparableConv2D(
            4, 3, depth_multiplier=2, padding=pad
        ),
    ),
}
TRANSPOSED: dict[str, tuple[tuple, Callable[[str], Any]]] = {
    "transpose1d": (
        LINE,
        lambda pad: layers.Conv1DTranspose(4, 3, strides=2, padding=pad),
    ),
    "transpose2d": (
        IMAGE,
        lambda pad: layers.Conv2DTranspose(4, 3, strides=2, padding=pad),
    ),
    "transpose3d": (
        VOLUME,
        lambda pad: layers.Conv3DTranspose(4, 2, padding=pad),
    ),
}
DENSE: dict[str, tuple[tuple, Callable[[str], Any]]] = {
    "dense": ((5,), lambda pad: layers.Dense(4)),
    "dense_no_bias": ((5,), lambda pad: layers.Dense(4, use_bias=False)),
    "dense_of_image": (IMAGE, lambda pad: layers.Dense(4)),
}


def _register_after(name, shape, make):
    def function(x):
        return layers.ReLU()(BN()(make("same")(x)))

    function.__name__ = f"{name}_then_bn"
    case(shape, relus=1)(function)


def _register_before(name, shape, make, padding, **expected):
    def function(x):
        return layers.ReLU()(make(padding)(BN()(x)))

    function.__name__ = f"bn_then_{name}_{padding}"
    case(shape, relus=1, **expected)(function)


def _register_kernel_layers():
    for name, row in (KERNEL_LAYERS | TRANSPOSED | DENSE).items():
        _register_after(name, *row)
        _register_before(name, *row, "valid", affines=name in TRANSPOSED)
    for name, row in KERNEL_LAYERS.items():
        _register_before(name, *row, "same", affines=1)


_register_kernel_layers()


@case(LINE, affines=1)
def bn_then_causal_convolution(x):
    return layers.Conv1D(4, 3, padding="causal")(BN()(x))


@case()
def bn_on_both_sides(x):
    return BN()(layers.SeparableConv2D(4, 3)(BN()(x)))


@case()
def bn_between_two_convolutions(x):
    x = BN()(layers.Conv2D(4, 3, padding="same")(x))
    return layers.Conv2D(3, 3, padding="same")(x)


@case()
def bn_chain_after_convolution(x):
    return BN(center=False)(BN()(BN(scale=False)(layers.Conv2D(4, 3)(x))))


@case()
def bn_chain_before_convolution(x):
    return layers.Conv2D(4, 3)(BN()(BN()(x)))


@case(affines=1)
def bn_chain_alone(x):
    return BN()(BN()(x))


@case(affines=2)
def bn_chain_read_in_the_middle(x):
    middle = BN()(x)
    return [BN()(middle), middle]


@case()
def bn_without_scale(x):
    return BN(scale=False)(layers.Conv2D(4, 3)(x))


@case()
def bn_without_center(x):
    return BN(center=False)(layers.Conv2D(4, 3)(x))


@case()
def bn_without_scale_and_center(x):
    return layers.Conv2D(4, 3)(BN(scale=False, center=False)(x))


@case(affines=1, relus=1)
def bn_after_add(x):
    y = layers.Conv2D(2, 3, padding="same")(x)
    return layers.ReLU()(BN()(layers.Add()([x, y])))


@case(affines=1, relus=1)
def bn_after_concatenation(x):
    y = layers.Conv2D(3, 3, padding="same")(x)
    return layers.ReLU()(BN()(layers.Concatenate()([x, y])))


@case(affines=1, relus=1)
def bn_beside_another_use(x):
    y = layers.Conv2D(2, 3, padding="same")(x)
    return layers.Add()([y, layers.ReLU()(BN()(y))])


@case(affines=1)
def bn_behind_an_output(x):
    y = layers.Conv2D(2, 3)(x)
    return [y, BN()(y)]


@case(affines=1)
def bn_before_two_convolutions(x):
    y = BN()(x)
    return [layers.Conv2D(2, 3)(y), layers.Conv2D(2, 3)(y)]


@case(affines=2)
def shared_convolution_with_two_bns(x):
    convolution = layers.Conv2D(2, 3)
    return layers.Add()([BN()(convolution(x)), BN()(convolution(-x))])


@case()
def shared_convolution_with_shared_bn(x):
    convolution, norm = layers.Conv2D(2, 3), BN()
    return layers.Add()([norm(convolution(x)), norm(convolution(-x))])


@case(affines=1)
def shared_convolution_with_one_bn(x):
    convolution = layers.Conv2D(2, 3)
    return layers.Add()([BN()(convolution(x)), convolution(-x)])


@case(affines=2)
def shared_convolution_behind_bns(x):
    convolution = layers.Conv2D(2, 3)
    return layers.Add()([convolution(BN()(x)), convolution(BN()(-x))])


@case()
def shared_bn_of_two_convolutions(x):
    norm = BN()
    return [norm(layers.Conv2D(2, 3)(x)), norm(layers.Conv2D(2, 5)(x))]


@case(affines=2)
def shared_bn_alone(x):
    norm = BN()
    return layers.Add()([norm(x), norm(-x)])


@case(batch_norms=1)
def bn_of_rows(x):
    return BN(axis=1)(layers.Conv2D(4, 3)(x))


@case(relus=1)
def inactive_layers(x):
    x = layers.Activation("linear")(layers.GaussianNoise(1.0)(x))
    x = layers.ActivityRegularization(l2=0.1)(layers.Conv2D(4, 3)(x))
    x = BN()(layers.SpatialDropout2D(0.5)(layers.Identity()(x)))
    x = layers.AlphaDropout(0.5)(layers.GaussianDropout(0.5)(x))
    return layers.Dropout(0.5)(layers.ReLU()(x))


@case()
def nothing_but_dropout(x):
    return layers.Dropout(0.5)(x)


@case(relus=2)
def fused_activations(x):
    x = layers.Conv2D(4, 3, activation="relu")(x)
    x = layers.DepthwiseConv2D(3, activation="relu6")(x)
    return layers.Dense(3, activation="softmax")(layers.Flatten()(x))


@case((4, 5), relus=1)
def fused_einsum(x):
    return layers.EinsumDense(
        "abc,cd->abd", (None, 6), bias_axes="d", activation="relu"
    )(x)


@case(relus=1)
def fused_layer(x):
    relu = layers.ReLU(max_value=2.0)
    x = layers.Conv2D(4, 3, activation=relu)(x)
    return layers.Conv2D(4, 3, activation=layers.LeakyReLU())(x)


@case(relus=1)
def fused_relu_then_bn_then_valid(x):
    x = BN()(layers.Conv2D(4, 3, activation="relu")(x))
    return layers.Conv2D(4, 3)(x)


@case(relus=1, affines=1)
def fused_relu_then_bn_then_same(x):
    x = BN()(layers.Conv2D(4, 3, activation="relu")(x))
    return layers.Conv2D(4, 3, padding="same")(x)


@case(relus=2)
def fused_and_shared(x):
    convolution = layers.Conv2D(2, 3, activation="relu")
    return layers.Add()([convolution(x), convolution(-x)])


@case(relus=6)
def forms_of_relu(x):
    x = layers.Activation("relu")(layers.Conv2D(4, 3)(x))
    x = layers.Activation("relu6")(x - 0.5)
    x = ops.relu6(ops.relu(x - 0.1) - 0.1)
    x = keras.activations.relu(x - 0.1, max_value=2.0)
    return layers.Activation(layers.ReLU(max_value=1.0))(x - 0.1)


@case(relus=3)
def shared_relu(x):
    relu = layers.ReLU(name="relu")
    x = relu(layers.Conv2D(4, 3, name="relu_1")(x))
    x = relu(layers.Conv2D(4, 3)(x))
    return relu(BN()(layers.Conv2D(4, 3)(x)))


@case(relus=1)
def leaky_relu_is_left(x):
    x = layers.ReLU(negative_slope=0.1)(layers.Conv2D(4, 3)(x))
    return layers.LeakyReLU()(x)


@case(relus=2)
def padded_and_sliced_shortcut(x):
    y = layers.Conv2D(4, 3, strides=2, padding="same", use_bias=False)(x)
    y = ops.relu(BN()(y))
    y = BN()(layers.Conv2D(4, 3, padding="same")(y))
    x = ops.pad(x[:, ::2, ::2, :], [[0, 0], [0, 0], [0, 0], [1, 1]])
    return layers.ReLU()(y + x)


@case()
def inputs_by_keyword(x):
    x = layers.Dropout(0.5)(inputs=BN()(inputs=layers.Conv2D(2, 3)(inputs=x)))
    return ops.relu(x=x)


@case(relus=1)
def two_outputs(x):
    x = ops.relu(BN()(layers.Conv2D(4, 3)(x)))
    pooled = layers.GlobalAveragePooling2D()(x)
    return {"maps": x, "logits": BN()(layers.Dense(3)(pooled))}


@model_case(relus=2)
def two_inputs():
    left = keras.Input((8, 8, 2), name="left")
    right = keras.Input((5,), name="right")
    x = layers.Flatten()(layers.Conv2D(2, 3, activation="relu")(left))
    y = BN()(layers.Dense(3)(BN()(right)))
    x = layers.Concatenate()([x, ops.relu(y)])
    return keras.Model(
        {"left": left, "right": right}, layers.Dense(4)(x), name="two"
    )


@model_case(relus=2)
def sequential():
    return keras.Sequential(
        [
            keras.Input((8, 8, 2)),
            layers.Conv2D(4, 3, padding="same", use_bias=False),
            BN(),
            layers.ReLU(),
            layers.MaxPooling2D(),
            layers.Dropout(0.5),
            layers.Flatten(),
            layers.Dense(6, activation="relu"),
            BN(),
            layers.Dense(3, activation="softmax"),
        ]
    )


@model_case(relus=7)
def residual_network():
    return cifar_resnet(
        depth=8,
        width=4,
        input_shape=(8, 8, 3),
        num_classes=5,
        pixel_mean=(0.4, 0.5, 0.6),
        pixel_std=(0.2, 0.2, 0.3),
    )
