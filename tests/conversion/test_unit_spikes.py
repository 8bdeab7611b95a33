"""Thresholds moved into the weights of a whole model."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfsnn
from tests.support.networks import kinds, outputs_of, with_random_weights
from tfsnn.conversion import with_unit_spikes
from tfsnn.errors import ConversionError
from tfsnn.layers import ChannelAffine, IFCell, SpikingActivation
from tfsnn.types import NeuronParameters
from tfsnn_models.resnet import cifar_resnet

T = 4
SHAPE = (4, 4, 4)
layers = keras.layers


def conv(x, filters=4, **options):
    return layers.Conv2D(filters, 3, padding="same", **options)(x)


def neurons(x, **options):
    return layers.ReLU()(conv(x, **options))


def pooled(x):
    return layers.Dense(3)(layers.GlobalAveragePooling2D()(x))


def plain(x):
    return pooled(neurons(neurons(x, strides=2)))


def without_bias(x):
    return pooled(neurons(neurons(x, use_bias=False), use_bias=False))


def pools(x):
    x = layers.AveragePooling2D(2)(neurons(x))
    x = layers.AveragePooling2D(2, padding="same")(neurons(x))
    return layers.Dense(3)(layers.Flatten()(x))


def depthwise(x):
    x = layers.DepthwiseConv2D(3, depth_multiplier=2)(neurons(x))
    return pooled(layers.ReLU()(x))


def separable(x):
    x = layers.SeparableConv2D(6, 3, depth_multiplier=2)(neurons(x))
    return pooled(layers.ReLU()(x))


def grouped(x):
    return pooled(neurons(neurons(x), filters=6, groups=2))


def transposed(x):
    x = layers.Conv2DTranspose(3, 2, strides=2)(neurons(x))
    return pooled(layers.ReLU()(x))


def dense(x):
    x = layers.ReLU()(layers.Dense(5)(layers.Flatten()(neurons(x))))
    return layers.ReLU()(layers.Dense(4)(x))


def softmax(x):
    return layers.Softmax()(pooled(neurons(x)))


def concatenated(x):
    x = neurons(x)
    x = layers.Concatenate()([neurons(x), x, neurons(x, filters=2)])
    return pooled(neurons(x))


def stacked(x):
    x = layers.Concatenate(axis=1)([neurons(x), neurons(x)])
    return pooled(neurons(x))


def projection(x):
    x = neurons(x)
    short = layers.Conv2D(6, 1, strides=2)(x)
    x = conv(neurons(x, strides=2), 6)
    return pooled(layers.ReLU()(layers.Add()([x, short])))


def identity(x):
    x = neurons(x)
    return pooled(layers.ReLU()(layers.Add()([conv(neurons(x)), x])))


def zero_pad(x):
    x = neurons(x)
    short = keras.ops.pad(x[:, ::2, ::2, :], [[0, 0]] * 3 + [[1, 1]])
    x = conv(neurons(x, strides=2), 6)
    return pooled(layers.ReLU()(x + short))


def constant_stem(x):
    stem = conv(x)
    x = conv(layers.ReLU()(stem))
    return pooled(layers.ReLU()(layers.Add()([x, stem])))


def constant_image(x):
    return pooled(neurons(layers.Concatenate()([neurons(x), x])))


def sum_without_neuron(x):
    x = neurons(x)
    return pooled(layers.Add()([conv(x), x]))


def sum_of_currents(x):
    x = neurons(x)
    return pooled(layers.Average()([conv(x), conv(x)]))


def junction(x):
    current = conv(neurons(x))
    x = conv(layers.ReLU()(current))
    return pooled(layers.ReLU()(layers.Subtract()([current, x])))


def resized(x):
    x = layers.UpSampling2D(2)(layers.ZeroPadding2D(1)(neurons(x)))
    x = layers.ReLU()(layers.Cropping2D(2)(x))
    return pooled(x)


def functions(x):
    x = keras.ops.mean(-neurons(x), axis=(1, 2))
    x = layers.ReLU()(layers.RepeatVector(2)(x))
    return layers.Dense(3)(keras.ops.sum(x, axis=-1))


def reshaped(x):
    x = layers.ReLU()(layers.Reshape((8, 8))(neurons(x)))
    x = layers.Permute((2, 1))(x[..., 1:5])
    return layers.Dense(3)(layers.Flatten()(layers.ReLU()(x)))


def padded_with_ones(x):
    edge = [[0, 0], [1, 1], [1, 1], [0, 0]]
    return pooled(neurons(keras.ops.pad(neurons(x), edge, constant_values=1)))


def other_axis(x):
    x = neurons(x)
    first = layers.GlobalAveragePooling2D(data_format="channels_first")(x)
    return layers.Dense(2)(first)


def affine_kept(x):
    x = ChannelAffine()(neurons(x))
    return pooled(layers.ReLU()(ChannelAffine()(x)))


def einsum(x):
    return layers.EinsumDense("bhwc,cd->bd", (3,))(neurons(x))


def spikes_out(x):
    return neurons(neurons(x))


# Name of the network: how many ChannelAffine its edges need with thresholds
# by layer and by channel; 0: it costs nothing at run time.
NETWORKS = {
    plain: (0, 0),
    without_bias: (0, 0),
    pools: (0, 0),
    depthwise: (0, 0),
    separable: (0, 0),
    grouped: (0, 0),
    transposed: (0, 0),
    dense: (1, 1),
    softmax: (0, 0),
    concatenated: (0, 0),
    stacked: (1, 1),
    projection: (0, 0),
    identity: (1, 1),
    zero_pad: (1, 1),
    constant_stem: (1, 1),
    constant_image: (0, 0),
    sum_without_neuron: (0, 0),
    sum_of_currents: (0, 0),
    junction: (1, 1),
    resized: (1, 1),
    functions: (1, 2),
    reshaped: (2, 3),
    padded_with_ones: (1, 1),
    other_axis: (0, 1),
    affine_kept: (2, 2),
    einsum: (1, 1),
    spikes_out: (1, 1),
}


def dyadic_model(network, rng, shape=SHAPE):
    image = keras.Input(shape)
    model = keras.Model(image, network(image))
    for variable in model.weights:
        # The affine scale must not hide a channel.
        value = rng.integers(-4, 5, variable.shape) / 4
        variable.assign(value + 1.25 * (variable.name == "scale"))
    return model


def spiking(model, rng, *, per="channel", lag=0, bias=True):
    """Powers of two as thresholds: every division is exact."""
    conversion = tfsnn.convert(model)
    parameters = {}
    for number, name in enumerate(conversion.neuron_names):
        features = conversion.analog.get_layer(name).output.shape[1:]
        size = {"layer": (), "channel": features[-1:], "neuron": features}[per]
        # No two layers have the same, and none has 1.
        threshold = np.full(size, (0.5, 2.0, 0.25)[number % 3])
        if per != "layer":
            threshold *= np.resize([1.0, 4.0, 2.0, 1.0, 0.5], size)
        parameters[name] = NeuronParameters(
            threshold,
            threshold * rng.integers(0, 5, size) / 4,
            rng.integers(-4, 5, size) / 4 + 0.125 if bias else None,
        )
    return conversion.spiking_model(T, lag=lag, parameters=parameters)


def images(rng, batch=2, shape=SHAPE):
    return (rng.integers(-8, 9, (batch, *shape)) / 8).astype("float32")


def neuron_layers(model):
    return [x for x in model.layers if isinstance(x, SpikingActivation)]


def run(model, inputs):
    """Spikes of every neuron, 0 or 1, by name; and the outputs."""
    names = sorted(layer.name for layer in neuron_layers(model))
    trains = [model.get_layer(name).output for name in names]
    arrays = outputs_of(
        keras.Model(model.input, [trains, model.outputs]), inputs
    )
    trains = [np.float32(train > 0) for train in arrays[: len(names)]]
    return dict(zip(names, trains, strict=True)), arrays[len(names) :]


def num_affine(model):
    return kinds(model).count("ChannelAffine")


def assert_equal_runs(model, expected, inputs):
    got, wanted = run(model, inputs), run(expected, inputs)
    keras.tree.map_structure(np.testing.assert_array_equal, got, wanted)
    return got


def assert_unit(model):
    for layer in neuron_layers(model):
        assert layer.cell.threshold_per is None
        assert layer.cell.spike_values == "unit"


@pytest.mark.parametrize("per", ["layer", "channel"])
@pytest.mark.parametrize("network", NETWORKS, ids=lambda f: f.__name__)
def test_dyadic_numbers_give_the_same_spike_trains(network, per, rng):
    source = spiking(dyadic_model(network, rng), rng, per=per)
    model = with_unit_spikes(source)
    assert_unit(model)
    trains, _ = assert_equal_runs(model, source, images(rng))
    assert any(train.any() for train in trains.values())
    assert num_affine(model) == NETWORKS[network][per == "channel"]


@pytest.mark.parametrize("lag", [1, T])
def test_lag_is_kept(lag, rng):
    source = spiking(dyadic_model(identity, rng), rng, lag=lag)
    model = with_unit_spikes(source)
    assert [layer.lag for layer in neuron_layers(model)] == [0, lag, lag]
    assert_equal_runs(model, source, images(rng, batch=1))


def test_identity_edge_carries_the_ratio_of_the_thresholds(rng):
    source = spiking(dyadic_model(identity, rng), rng)
    first, _, last = (layer.cell for layer in neuron_layers(source))
    (affine,) = [
        layer
        for layer in with_unit_spikes(source).layers
        if isinstance(layer, ChannelAffine)
    ]
    np.testing.assert_array_equal(
        affine.scale, first.threshold / last.threshold
    )


def test_equal_thresholds_need_nothing_on_the_identity_edge(rng):
    conversion = tfsnn.convert(dyadic_model(identity, rng))
    half = NeuronParameters(np.array(0.5), np.array(0.25))
    source = conversion.spiking_model(
        T, parameters=dict.fromkeys(conversion.neuron_names, half)
    )
    model = with_unit_spikes(source)
    assert not num_affine(model)
    assert_equal_runs(model, source, images(rng))


def test_rescaling_is_done_before_the_repetition(rng):
    source = spiking(dyadic_model(constant_stem, rng), rng)
    order = kinds(with_unit_spikes(source))
    assert order.index("ChannelAffine") < order.index("RepeatTime")


def biases(model):
    return [layer.cell.bias_per for layer in neuron_layers(model)]


@pytest.mark.parametrize(
    ("network", "kept"),
    [
        (plain, [None, None]),
        (without_bias, [None, None]),
        (identity, [None, None, None]),
        (constant_stem, ["channel", None]),
        (junction, [None, "channel", "channel"]),
        (pools, [None, None]),
        (resized, [None, "channel"]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_bias_current_moves_where_one_kernel_serves_the_neuron(
    network, kept, rng
):
    source = spiking(dyadic_model(network, rng), rng)
    assert biases(with_unit_spikes(source)) == kept


def test_bias_that_differs_between_positions_stays_in_the_neuron(rng):
    conversion = tfsnn.convert(dyadic_model(plain, rng))
    name = conversion.neuron_names[1]
    bias = rng.integers(-4, 5, (2, 2, 4)) / 4
    parameters = NeuronParameters(np.array(2.0), np.array(1.0), bias)
    source = conversion.spiking_model(T, parameters={name: parameters})
    model = with_unit_spikes(source)
    np.testing.assert_array_equal(model.get_layer(name).cell.bias, bias / 2)
    assert_equal_runs(model, source, images(rng))


def test_bias_of_zero_disappears(rng):
    source = spiking(dyadic_model(junction, rng), rng)
    for layer in neuron_layers(source):
        layer.cell.bias.assign(np.zeros(layer.cell.bias.shape))
    assert biases(with_unit_spikes(source)) == [None] * 3


def test_kernel_layer_gets_a_bias_only_for_a_bias_current(rng):
    model = dyadic_model(without_bias, rng)
    for bias in (False, True):
        unit = with_unit_spikes(spiking(model, rng, bias=bias))
        convolutions = [x for x in unit.layers if type(x) is layers.Conv2D]
        assert [x.use_bias for x in convolutions] == [bias, bias]


def test_initial_potential_keeps_its_granularity(rng):
    conversion = tfsnn.convert(dyadic_model(plain, rng))
    first, second = conversion.neuron_names
    parameters = {
        first: NeuronParameters(np.array(2.0), np.array(0.5)),
        second: NeuronParameters(np.array(2.0), np.ones((2, 2, 4))),
    }
    source = conversion.spiking_model(T, parameters=parameters)
    cells = [layer.cell for layer in neuron_layers(with_unit_spikes(source))]
    assert float(cells[0].initial_potential) == 0.25
    np.testing.assert_array_equal(
        cells[1].initial_potential, np.full((2, 2, 4), 0.5)
    )


def test_threshold_that_differs_between_positions_stays(rng):
    conversion = tfsnn.convert(dyadic_model(plain, rng))
    name = conversion.neuron_names[1]
    threshold = 2.0 ** rng.integers(-1, 2, (2, 2, 4))
    parameters = NeuronParameters(threshold, threshold / 2)
    source = conversion.spiking_model(T, parameters={name: parameters})
    model = with_unit_spikes(source)
    np.testing.assert_array_equal(
        model.get_layer(name).cell.threshold, threshold
    )
    assert_equal_runs(model, source, images(rng))


def shared(x):
    layer = layers.Conv2D(4, 3, padding="same", name="both")
    return pooled(layers.ReLU()(layer(layers.ReLU()(layer(x)))))


def two_towers(x):
    x = neurons(x)
    layer = layers.Conv2D(4, 3, padding="same", name="both")
    return pooled(layers.Concatenate()([layer(x), layer(x)]))


@pytest.mark.parametrize(
    ("network", "copies"),
    [(shared, ["both", "both_1"]), (two_towers, ["both"])],
)
def test_shared_layer_is_copied_for_each_pair_of_scales(network, copies, rng):
    source = spiking(dyadic_model(network, rng), rng)
    model = with_unit_spikes(source)
    assert [x.name for x in model.layers if "both" in x.name] == copies
    assert_equal_runs(model, source, images(rng))


def test_one_rescaling_serves_all_edges_that_need_it(rng):
    def network(x):
        x = neurons(x)
        return layers.EinsumDense("bhwc,cd->bd", (3,))(x), (
            layers.EinsumDense("bhwc,cd->bd", (2,))(x)
        )

    source = spiking(dyadic_model(network, rng), rng)
    model = with_unit_spikes(source)
    assert num_affine(model) == 1
    assert_equal_runs(model, source, images(rng))


def test_unknown_positions_are_rescaled_where_channels_move(rng):
    def network(x):
        return pooled(neurons(neurons(x)[:, ::2, ::2, :]))

    shape = (None, None, 4)
    source = spiking(dyadic_model(network, rng, shape), rng)
    model = with_unit_spikes(source)
    assert num_affine(model) == 1
    assert_equal_runs(model, source, images(rng))


def test_unit_spikes_of_another_threshold_are_understood(rng):
    threshold = 2.0 ** rng.integers(-1, 2, 4)
    image = keras.Input(SHAPE)
    cell = IFCell(threshold_per="channel", spike_values="unit")
    neuron = SpikingActivation(T, cell, temporal_input=False)
    source = keras.Model(image, layers.Conv2D(2, 3)(neuron(image)))
    cell.threshold.assign(threshold)
    model = with_unit_spikes(source)
    assert_equal_runs(model, source, images(rng))


def test_hard_reset_is_kept(rng):
    config = tfsnn.ConversionConfig(reset="hard")
    conversion = tfsnn.convert(dyadic_model(plain, rng), config=config)
    eighth = NeuronParameters(np.array(0.125), np.array(0.0))
    source = conversion.spiking_model(
        T, parameters=dict.fromkeys(conversion.neuron_names, eighth)
    )
    model = with_unit_spikes(source)
    assert {x.cell.reset for x in neuron_layers(model)} == {"hard"}
    assert_equal_runs(model, source, images(rng))


def test_a_step_only_charges_compares_and_resets(rng):
    model = with_unit_spikes(spiking(dyadic_model(plain, rng), rng))
    layer = neuron_layers(model)[1]
    spec = tf.TensorSpec([None, 2, 2, 4])
    graph = tf.function(layer).get_concrete_function(spec).graph
    arithmetic = {"AddV2", "Sub", "Mul", "RealDiv", "GreaterEqual"}
    found = [
        operation.type
        for operation in graph.get_operations()
        if operation.type in arithmetic
        and operation.inputs[0].dtype.is_floating
    ]
    assert sorted(found) == sorted(["AddV2", "GreaterEqual", "Sub"] * T)


def calibrated_resnet(depth, rng):
    model = with_random_weights(
        cifar_resnet(depth=depth, width=4, input_shape=(8, 8, 3)), rng
    )
    inputs = images(rng, batch=16, shape=(8, 8, 3))
    result = tfsnn.calibrate(tfsnn.convert(model), inputs, timesteps=T)
    return result[T], inputs


def test_calibrated_resnet_keeps_its_outputs(rng):
    source, inputs = calibrated_resnet(8, rng)
    model = with_unit_spikes(source)
    assert "channel" in biases(source)
    assert biases(model) == [None] * 7
    trains, (got,) = run(model, inputs)
    expected, (wanted,) = run(source, inputs)
    # The weights are rounded anew, by 2^-24: a potential that close to the
    # threshold may fall on its other side, and others follow behind it.
    for name, train in trains.items():
        assert np.mean(train != expected[name]) <= 1e-3
    assert np.mean(np.abs(got - wanted)) <= 1e-3 * np.abs(wanted).max()


def test_resnet_20_needs_one_rescaling_for_each_identity_edge(rng):
    image = (8, 8, 3)
    model = cifar_resnet(depth=20, width=4, input_shape=image)
    source = spiking(with_random_weights(model, rng), rng)
    assert num_affine(with_unit_spikes(source)) == 9


def test_second_time_changes_nothing(rng):
    once = with_unit_spikes(spiking(dyadic_model(junction, rng), rng))
    twice = with_unit_spikes(once)
    assert kinds(twice) == kinds(once)
    for got, wanted in zip(
        twice.get_weights(), once.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(got, wanted)


def test_files_round_trip_before_and_after(rng, tmp_path):
    source = spiking(dyadic_model(zero_pad, rng), rng)
    source.save(tmp_path / "source.keras")
    loaded = keras.models.load_model(tmp_path / "source.keras")
    model = with_unit_spikes(loaded)
    model.save(tmp_path / "unit.keras")
    reloaded = keras.models.load_model(tmp_path / "unit.keras")
    assert_unit(reloaded)
    assert_equal_runs(reloaded, source, images(rng))


def test_source_stays_as_it_is(rng):
    source = spiking(dyadic_model(identity, rng), rng)
    config, weights = source.get_config(), source.get_weights()
    with_unit_spikes(source)
    assert source.get_config() == config
    for got, wanted in zip(source.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(got, wanted)


def test_names_stay(rng):
    source = spiking(dyadic_model(plain, rng), rng)
    model = with_unit_spikes(source)
    assert model.name == source.name
    assert [x.name for x in model.layers] == [x.name for x in source.layers]


def test_model_without_neurons_is_refused(rng):
    model = dyadic_model(plain, rng)
    message = (
        f"Model '{model.name}' has no SpikingActivation with an IFCell and one"
        r" threshold a layer or channel. Supported: spiking models. Convert it"
        r" first: tfsnn.convert\(model\).spiking_model\(timesteps\)."
    )
    with pytest.raises(ConversionError, match=message):
        with_unit_spikes(model)
