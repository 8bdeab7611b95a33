"""One small network for each thing that Keras users write."""

import keras

from tests.support.convertible import classify, conv

layers, ops = keras.layers, keras.ops
BN = layers.BatchNormalization
SHAPE = (6, 6, 2)
ROWS = {}


def row(function=None, *, shape=SHAPE, inputs=None):
    """Registers a function from tensor to outputs.

    Of several `inputs`, name to shape, it gets all tensors.
    """

    def register(function):
        def build():
            if inputs is None:
                x = keras.Input(shape)
                return keras.Model(x, function(x), name="net")
            tensors = [keras.Input(s, name=n) for n, s in inputs.items()]
            return keras.Model(tensors, function(*tensors), name="net")

        ROWS[function.__name__] = build
        return function

    return register if function is None else register(function)


@row
def nested_models(x):
    inner = keras.Sequential(
        [keras.Input(SHAPE), layers.Conv2D(3, 3, name="a")]
    )
    middle = keras.Sequential([inner, BN(), layers.ReLU()])
    return classify(layers.ReLU()(conv(middle(x))))


@row
def shared_layer_with_two_neurons(x):
    shared = layers.Conv2D(3, 1, name="shared")
    y = layers.ReLU()(conv(x))
    first, second = layers.ReLU()(shared(y)), layers.ReLU()(shared(-y))
    return classify(layers.Concatenate()([first, second]))


@row
def two_outputs(x):
    y = layers.ReLU()(conv(x))
    return {"a": classify(y), "b": layers.GlobalAveragePooling2D()(y)}


@row
def operators(x):
    y = ops.relu(conv(x, 4) * 0.5 + 1.0)
    short = ops.pad(y[:, ::2, ::2], [[0, 0], [0, 0], [0, 0], [1, 1]])
    y = layers.ReLU()(conv(y, 6, strides=2) - short / 2.0)
    y = ops.concatenate([y, short], axis=-1)
    y = ops.transpose(ops.reshape(y, (-1, 9, 12)), (0, 2, 1))
    return ops.mean(y, axis=-1)


@row
def more_operators(x):
    y = ops.relu(conv(x))
    y = ops.expand_dims(ops.flip(y, axis=1), 1)
    y = ops.squeeze(ops.roll(ops.swapaxes(y, 2, 3), 1, axis=2), axis=1)
    y = ops.stack([y, ops.repeat(y[:, :3], 2, axis=1)], axis=1)
    return classify(ops.relu(ops.sum(y, axis=1)))


@row
def relus_of_other_names(x):
    y = ops.maximum(conv(x), 0)
    y = ops.clip(conv(y), 0.0, 0.5)
    return classify(ops.amax(ops.maximum(0.0, conv(y)), axis=(1, 2)))


@row
def preprocessing(x):
    x = layers.Resizing(4, 4)(layers.Rescaling(1 / 2, offset=0.25)(x))
    x = layers.Normalization(mean=[0.5, 0.25], variance=[1.0, 2.0])(x)
    return classify(layers.ReLU()(conv(x)))


@row
def fused_activations(x):
    x = layers.SeparableConv2D(3, 3, activation="relu6")(x)
    x = layers.Dense(4, activation=layers.ReLU(max_value=0.5))(x)
    return layers.Dense(3, activation="softmax")(layers.Flatten()(x))


@row
def relu_with_a_cap(x):
    return classify(layers.ReLU(max_value=0.5)(conv(x)))


@row
def sigmoid_head(x):
    return layers.Activation("sigmoid")(classify(layers.ReLU()(conv(x))))


@row
def regression(x):
    x = layers.GlobalAveragePooling2D()(layers.ReLU()(conv(x)))
    return layers.Dense(1)(x)


@row(shape=(8, 2))
def lines(x):
    x = layers.ReLU()(BN()(layers.Conv1D(4, 3, dilation_rate=2)(x)))
    x = layers.AveragePooling1D(2)(layers.MaxPooling1D(2, 1, "same")(x))
    x = layers.ReLU()(layers.Conv1DTranspose(3, 3, strides=2)(x))
    return layers.Dense(3)(layers.GlobalMaxPooling1D()(x))


@row(shape=(4, 4, 4, 2))
def volumes(x):
    x = layers.ReLU()(BN()(layers.Conv3D(3, 3, padding="same")(x)))
    x = layers.ReLU()(layers.Conv3DTranspose(2, 2)(x))
    return layers.Dense(3)(layers.GlobalAveragePooling3D()(x))


@row(shape=(4, 4, 4, 2))
def pooling_of_volumes(x):
    x = layers.ReLU()(layers.Conv3D(3, 3, padding="same")(x))
    x = layers.AveragePooling3D(2)(layers.MaxPooling3D(2, 1, "same")(x))
    return layers.Dense(3)(layers.Flatten()(x))


@row
def kernels(x):
    x = layers.ReLU()(layers.Conv2D(4, 3, groups=2)(x))
    x = layers.ReLU()(layers.DepthwiseConv2D(3, padding="same")(x))
    x = layers.ReLU()(layers.SeparableConv2D(3, 3)(x))
    x = layers.ReLU()(layers.Conv2DTranspose(3, 3, strides=2)(x))
    return classify(layers.UpSampling2D(2, interpolation="bilinear")(x))


@row
def batch_norms(x):
    x = layers.ReLU()(conv(BN()(x)))
    y = BN(scale=False)(conv(x))
    x = layers.ReLU()(BN(center=False)(layers.Add()([x, y])))
    return classify(BN(center=False, scale=False)(x))


@row
def batch_norm_of_the_first_axis(x):
    x = BN(axis=1)(layers.Permute((3, 1, 2))(x))
    x = layers.ReLU()(x)
    return classify(layers.ReLU()(conv(layers.Permute((2, 3, 1))(x))))


@row(shape=(2, 6, 6))
def channels_first(x):
    first = {"data_format": "channels_first"}
    x = layers.ReLU()(
        BN(axis=1)(layers.Conv2D(4, 3, padding="same", **first)(x))
    )
    x = layers.AveragePooling2D(2, **first)(x)
    y = layers.MaxPooling2D(2, 1, "same", **first)(BN(axis=1)(x))
    x = layers.ReLU()(layers.Conv2D(3, 2, **first)(layers.Add()([x, y])))
    return layers.Dense(3)(layers.GlobalAveragePooling2D(**first)(x))


@row
def stream_without_relu(x):
    x = conv(x, 3)
    for _ in range(3):
        y = layers.ReLU()(BN()(x))
        x = layers.Add()([x, conv(layers.ReLU()(conv(y)), 3)])
    return classify(x)


@row
def dense_connections(x):
    x = conv(x)
    for _ in range(3):
        y = conv(layers.ReLU()(BN()(x)), 2)
        x = layers.Concatenate()([x, y])
    return classify(layers.ReLU()(BN()(x)))


@row
def max_pooling(x):
    x = layers.MaxPooling2D(2)(layers.ReLU()(conv(x)))
    x = ops.max_pool(conv(x, 4), 3, strides=1, padding="same")
    return layers.Dense(3)(layers.GlobalMaxPooling2D()(layers.ReLU()(x)))


@row
def linear_bottlenecks(x):
    x = conv(x, 2)
    y = layers.ReLU(6.0)(BN()(layers.Conv2D(6, 1, use_bias=False)(x)))
    y = layers.DepthwiseConv2D(3, padding="same", use_bias=False)(y)
    y = layers.Conv2D(2, 1)(layers.ReLU(6.0)(BN()(y)))
    return classify(layers.ReLU(6.0)(conv(layers.Add()([x, BN()(y)]))))


@row(inputs={"left": SHAPE, "right": SHAPE})
def two_inputs_through_one_layer(left, right):
    shared = layers.Conv2D(4, 3, name="shared")
    left, right = layers.ReLU()(shared(left)), layers.ReLU()(shared(right))
    return classify(layers.ReLU()(conv(layers.Concatenate()([left, right]))))


@row(inputs={"pixels": SHAPE, "side": (5,)})
def late_second_input(pixels, side):
    """It meets spikes, itself constant in time."""
    x = layers.GlobalAveragePooling2D()(layers.ReLU()(conv(pixels, 5)))
    x = layers.ReLU()(layers.Dense(6)(layers.Concatenate()([x, side])))
    return {
        "class": layers.Dense(3, activation="softmax")(x),
        "value": layers.Dense(1)(layers.Add()([x[:, :5], side])),
    }
