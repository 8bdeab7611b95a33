import functools
import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.support.convertible import (
    classify,
    conv,
    dyadic,
    make_images,
    network,
)
from tests.support.kinds import STEPWISE
from tfsnn import convert
from tfsnn.calibration import fronts
from tfsnn.calibration.fronts import (
    AnalogFront,
    SpikingFront,
    compiled,
    num_readers,
    slices,
)
from tfsnn.calibration.neuron_run import NeuronRun
from tfsnn.conversion import ConversionConfig
from tfsnn.conversion.check import is_head, is_neuron
from tfsnn.dynamics import Burst
from tfsnn.graph.segments import JUNCTION, NEURON, cut
from tfsnn.types import NeuronParameters

layers = keras.layers
T = 4
ONE = NeuronParameters(np.float32(1), np.float32(0.5))


def stream(x):
    """A constant junction, a temporal one, a neuron behind each."""
    x = conv(x, 2, name="constant")
    y = conv(layers.ReLU(name="first")(x), 2, name="branch")
    x = layers.Add(name="temporal")([x, y])
    y = conv(layers.ReLU(name="second")(x), 2)
    return classify(layers.ReLU(name="third")(layers.Add()([x, y])))


@functools.cache
def conversion():
    return convert(dyadic(network(stream)))


@functools.cache
def segments():
    found = cut(conversion().graph, is_neuron=is_neuron, is_head=is_head)
    return [s for s in found if s.role in (NEURON, JUNCTION)]


def outputs(model, names, images):
    """What some layers of a model give on images."""
    tensors = [model.get_layer(name).output for name in names]
    return keras.Model(model.inputs[0], tensors)(images)


NAMES = ["constant", "first", "temporal", "second", "third"]


def run_of(front, segment):
    return NeuronRun(
        ONE,
        timesteps=T,
        lag=0,
        kind=front.kind,
        constant=front.is_constant(segment),
    )


def walk(front, segment, affine, neuron=run_of):
    """Visits a segment as the sweep does; its folded output."""
    indices = range(len(front.parts))
    currents = [front.current(segment, affine, i) for i in indices]
    if segment.role == JUNCTION:
        front.pass_on(segment, affine)
        return currents
    run = neuron(front, segment)
    front.emit(segment, run, iter(currents))
    return [run.mean_output(current) for current in currents]


@pytest.mark.parametrize(
    ("count", "size", "expected"),
    [(5, 2, [(0, 2), (2, 4), (4, 5)]), (4, 4, [(0, 4)]), (1, 9, [(0, 1)])],
)
def test_slices(count, size, expected):
    assert [(s.start, s.stop) for s in slices(count, size)] == expected


def test_the_network_is_cut_as_meant():
    assert [segment.name for segment in segments()] == NAMES


def test_num_readers():
    readers = num_readers(segments())
    assert readers == {
        "/input": 1,
        "constant": 2,
        "first": 1,
        "temporal": 2,
        "second": 1,
    }


def test_compiled_is_the_segment():
    first = segments()[0]
    images = make_images()
    np.testing.assert_array_equal(compiled(first)(images), first.model(images))


def test_compiled_takes_float32_whatever_it_computes_in():
    x = keras.Input((4,), dtype="float64")
    y = layers.Dense(2, dtype="float64", name="dense")(x)
    model = keras.Model(x, layers.ReLU(dtype="float64")(y))
    graph = convert(model).graph
    first = cut(graph, is_neuron=is_neuron, is_head=is_head)[0]
    assert compiled(first)(tf.zeros([3, 4])).dtype == tf.float64


@pytest.mark.parametrize("batch", [2, 100])
def test_the_analog_front_is_the_network(monkeypatch, batch):
    monkeypatch.setattr(fronts, "ANALOG_BATCH", batch)
    images = make_images(5)
    front = AnalogFront(segments(), images)
    expected = outputs(conversion().analog, NAMES, images)
    for segment, values in zip(segments(), expected, strict=True):
        got = front.advance(segment, compiled(segment))
        assert got.dtype == np.float32
        np.testing.assert_array_equal(got, values)  # Dyadic: nothing rounds.


@pytest.mark.parametrize("batch", [2, 100])
def test_what_is_ahead_of_the_analog_front_comes(monkeypatch, batch):
    monkeypatch.setattr(fronts, "ANALOG_BATCH", batch)
    front = AnalogFront(segments(), make_images(5))
    ahead = {}
    for number, segment in enumerate(segments()):
        output = front.advance(segment, compiled(segment))
        if segment.name in ahead:
            np.testing.assert_array_equal(ahead[segment.name], output)
        ahead |= front.ahead(segments()[number + 1 : number + 3])
    assert list(ahead) == NAMES[1:]


@pytest.mark.parametrize("batch", [2, 100])
def test_currents_of_the_analog_front_can_be_asked_for(monkeypatch, batch):
    monkeypatch.setattr(fronts, "ANALOG_BATCH", batch)
    front = AnalogFront(segments(), make_images(5))
    for segment in segments():
        affine = compiled(segment)
        output = front.advance(segment, affine)
        current = front.current(segment, affine)
        if segment.neuron is not None:
            assert (current < 0).any()
            current = np.asarray(segment.neuron.operation(current))
        np.testing.assert_array_equal(current, output)


@pytest.mark.parametrize(
    ("rows", "budget"),
    # A micro-batch of one image: 288 bytes constant, 1152 temporal.
    [(T, math.inf), (2 * T, math.inf), (512, math.inf), (T, 0), (T, 3000)],
)
def test_the_spiking_front_is_the_spiking_model(monkeypatch, rows, budget):
    monkeypatch.setattr(fronts, "FOLDED_BATCH", rows)
    images = make_images(5)
    front = SpikingFront(segments(), images, T, junction_budget=budget)
    assert len(front.parts) == -(-5 // max(1, rows // T))
    check_is_the_model(front, conversion().spiking_model(T), images, budget)


@pytest.mark.parametrize("name", STEPWISE)
def test_the_front_of_a_kind_is_its_spiking_model(monkeypatch, name):
    kind = STEPWISE[name]
    monkeypatch.setattr(fronts, "FOLDED_BATCH", 2 * T)
    config = ConversionConfig(neuron=name, max_spikes=3)
    assert config.kind == kind
    converted = convert(dyadic(network(stream)), config=config)
    images = make_images(5)
    front = SpikingFront(segments(), images, T, kind=kind)
    check_is_the_model(front, converted.spiking_model(T), images, math.inf)


def check_is_the_model(front, model, images, budget):
    expected = outputs(model, NAMES, images)
    for segment, values in zip(segments(), expected, strict=True):
        got = walk(front, segment, compiled(segment))
        assert front.num_current_bytes <= budget
        if segment.name == "constant":
            np.testing.assert_array_equal(np.concatenate(got), values)
            continue
        shape = [T, 5, *values.shape[1:]]
        mean = tf.reduce_mean(tf.reshape(values, shape), axis=0)
        if segment.role == JUNCTION:
            got = [
                tf.reduce_mean(tf.reshape(g, [T, -1, *g.shape[1:]]), 0)
                for g in got
            ]
        np.testing.assert_array_equal(np.concatenate(got), mean)


@pytest.mark.parametrize("lag", [2, {"second": 3}, {"first": 4, "third": 1}])
def test_the_spiking_front_has_the_lags_of_the_model(lag):
    images = make_images(5)
    front = SpikingFront(segments(), images, T, lag=lag)
    names = [s.name for s in segments() if s.role == NEURON]
    model = conversion().spiking_model(T, lag=lag)
    expected = dict(zip(names, outputs(model, names, images), strict=True))
    for segment in segments():
        got = walk(
            front, segment, compiled(segment), lambda f, s: f.neuron(s, ONE)
        )
        if segment.role == NEURON:
            spikes = expected[segment.name]
            mean = tf.reduce_mean(
                tf.reshape(spikes, [T, 5, *spikes.shape[1:]]), axis=0
            )
            np.testing.assert_array_equal(np.concatenate(got), mean)


def test_what_is_constant():
    front = SpikingFront(segments(), make_images(), T)
    constant = {}
    for segment in segments():
        constant[segment.name] = front.is_constant(segment)
        walk(front, segment, compiled(segment))
    assert [name for name in NAMES if constant[name]] == ["constant", "first"]


def test_long_runs_have_at_least_one_image_a_batch():
    front = SpikingFront(segments(), make_images(), 1024)
    assert [part.stop for part in front.parts] == [1, 2, 3]


def test_only_the_frontier_is_held():
    images = make_images(5)
    front = SpikingFront(segments(), images, T)
    spikes = 5 * 6 * 6 * 2  # Bytes: T <= 8.
    constant, temporal = 4 * spikes, 4 * T * spikes
    held = []
    for segment in segments():
        walk(front, segment, compiled(segment))
        held.append(front.num_bytes)
    assert held == [constant, constant + spikes, temporal, temporal + spikes, 0]


def chain(x):
    """Junctions that read junctions, as in a stage of residual blocks."""
    x = conv(layers.ReLU()(conv(x, 2)), 2)
    for _ in range(3):
        y = conv(layers.ReLU()(x), 2)
        x = layers.Add()([x, y])
    return classify(layers.ReLU()(x))


IMAGE = T * 6 * 6 * 2 * 4  # Bytes of current of one image.


@pytest.mark.parametrize("held", [0, 2, 5])
def test_live_junctions_stay_within_the_budget(monkeypatch, held):
    monkeypatch.setattr(fronts, "FOLDED_BATCH", T)
    found = cut(
        convert(dyadic(network(chain))).graph,
        is_neuron=is_neuron,
        is_head=is_head,
    )
    parts = [s for s in found if s.role in (NEURON, JUNCTION)]
    images, budget = make_images(5), held * IMAGE + 1
    plain = SpikingFront(parts, images, T)
    front = SpikingFront(parts, images, T, junction_budget=budget)
    most = 0
    for segment in parts:
        affine = compiled(segment)
        expected = walk(plain, segment, affine)
        np.testing.assert_array_equal(walk(front, segment, affine), expected)
        most = max(most, front.num_current_bytes)
    assert most == held * IMAGE
    assert front.num_bytes == 0


def test_no_graph_is_traced_twice():
    front = SpikingFront(segments(), make_images(5), T)
    for segment in segments():
        affine = compiled(segment)
        front.current(segment, affine, 0)
        count = len(front.graphs)
        front.current(segment, affine, 0)
        assert len(front.graphs) == count
        walk(front, segment, affine)
    assert len(front.graphs) == 1  # All trains have one shape; runs own theirs.


@pytest.mark.parametrize(
    ("kind", "size"), [(STEPWISE["signed"], 1), (Burst(4), 2), (Burst(255), 4)]
)
def test_spikes_take_the_bits_of_their_kind(kind, size):
    """Bytes a neuron and image for four steps of 2, 3 and 8 bits."""
    front = SpikingFront(segments(), make_images(5), T, kind=kind)
    constant, first, *_ = segments()
    walk(front, constant, compiled(constant))
    before = front.num_bytes
    walk(front, first, compiled(first))
    assert front.num_bytes - before == size * 5 * 6 * 6 * 2


@pytest.mark.parametrize("kind", STEPWISE.values(), ids=STEPWISE)
def test_mean_inputs_are_means_over_time(kind):
    """Of a neuron, of a constant and of a temporal junction."""
    images = make_images(5)
    front = SpikingFront(segments(), images, T, kind=kind)
    seen = 0
    for segment in segments():
        affine = compiled(segment)
        means = front.mean_inputs(segment)
        current = np.concatenate(
            [front.current(segment, affine, i) for i in range(len(front.parts))]
        )
        if not front.is_constant(segment):
            current = current.reshape(T, 5, *current.shape[1:]).mean(axis=0)
        # The segment is affine: it may be applied to the means.
        np.testing.assert_array_equal(affine(*means), current)
        seen += len(means)
        if segment.role == JUNCTION:
            front.pass_on(segment, affine)
        else:
            run = front.neuron(segment, ONE)
            front.emit(segment, run, [front.current(segment, affine, 0)])
    assert seen > len(segments())


def test_compiled_with_other_weights_leaves_the_layers_alone():
    segment = next(s for s in segments() if s.name == "third")
    (name,) = (x.name for x in segment.model.layers if x.weights)
    layer = segment.model.get_layer(name)
    before = layer.get_weights()
    doubled = {name: tuple(2 * values for values in before)}
    sources = [
        np.ones((2, *tensor.shape[1:]), "float32")
        for tensor in segment.model.inputs
    ]
    plain = compiled(segment)(*sources)
    rest = compiled(segment, {name: tuple(0 * v for v in before)})(*sources)
    np.testing.assert_array_equal(
        compiled(segment, doubled)(*sources) - rest, 2 * (plain - rest)
    )
    for old, new in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
