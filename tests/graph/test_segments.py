import functools

import keras
import numpy as np
import pytest

from tests.support.convertible import CASES, build, classify, conv, make_images
from tests.support.convertible import network as net
from tests.support.networks import outputs_of
from tfsnn.conversion.check import is_head, is_neuron
from tfsnn.graph import trace
from tfsnn.graph.passes import prepare
from tfsnn.graph.segments import INPUT, cut

layers = keras.layers
every_case = pytest.mark.parametrize("name", CASES)


def graph_and_segments(model):
    graph = prepare(trace(model))
    return graph, cut(graph, is_neuron=is_neuron, is_head=is_head)


def segments_of(model):
    return graph_and_segments(model)[1]


@functools.cache
def prepared(name):
    return graph_and_segments(build(name))


def named(segments):
    return {segment.name: segment for segment in segments}


def run(segments, images):
    """Every segment and its ReLU in order: name to value."""
    values = {INPUT: keras.ops.convert_to_tensor(images)}
    for segment in segments:
        sources = [values[source] for source in segment.sources]
        value = segment.model(sources[0] if len(sources) == 1 else sources)
        if segment.neuron is not None:
            value = segment.neuron.operation(value)
        values[segment.name] = value
    return values


def work_of(segment):
    inactive = (layers.InputLayer, layers.Identity)
    return [
        operation.name
        for operation in segment.model.operations
        if not isinstance(operation, inactive)
    ]


@every_case
def test_every_affine_call_is_in_one_segment(name):
    graph, segments = prepared(name)
    found = [name for segment in segments for name in work_of(segment)]
    affine = [c.name for c in graph if not is_neuron(c) and not is_head(c)]
    assert sorted(found) == sorted(affine)


@every_case
def test_sources_come_first(name):
    seen = {INPUT}
    for segment in prepared(name)[1]:
        assert set(segment.sources) <= seen
        seen.add(segment.name)


@every_case
def test_composed_segments_are_the_model(name):
    graph, segments = prepared(name)
    values = run(segments, make_images())
    readouts = [v for n, v in values.items() if n.startswith("readout")]
    if is_head(graph.calls[-1]):
        readouts = [graph.calls[-1].operation(value) for value in readouts]
    expected = outputs_of(build(name), make_images())
    # Rounding of a few float32 layers.
    for value, output in zip(readouts, expected, strict=True):
        np.testing.assert_allclose(value, output, rtol=1e-4, atol=1e-4)


@every_case
def test_names_of_neurons_are_those_of_their_calls(name):
    graph, segments = prepared(name)
    neurons = [s for s in segments if s.role == "neuron"]
    assert [s.name for s in neurons] == [s.neuron.name for s in neurons]
    assert [s.name for s in neurons] == [c.name for c in graph if is_neuron(c)]


def test_a_residual_stream_without_relu_is_cut():
    segments = prepared("pre_activation")[1]
    junctions = [s for s in segments if s.role == "junction"]
    assert junctions[0].name == "stem"
    assert "stem" in junctions[1].sources
    assert len(junctions) == 2


def test_branches_that_meet_again_are_no_cut():
    def function(x):
        x = conv(layers.ReLU()(conv(x)))
        return classify(layers.ReLU()(layers.Add()([conv(x), conv(x)])))

    roles = [segment.role for segment in segments_of(net(function))]
    assert roles == ["neuron", "neuron", "readout"]


def test_a_head_is_in_no_segment():
    segments = prepared("pooled_with_softmax")[1]
    assert segments[-1].role == "readout"
    assert work_of(segments[-1])[-1] == "classes"


def test_readouts_come_last():
    segments = prepared("two_outputs")[1]
    assert [s.name for s in segments[-2:]] == ["readout", "readout_1"]


def test_an_output_in_the_middle_is_a_junction():
    def function(x):
        y = conv(layers.ReLU()(x), name="middle")
        return [y, classify(layers.ReLU()(y))]

    segments = named(segments_of(net(function)))
    assert segments["middle"].role == "junction"
    assert segments["readout"].sources == ("middle",)


@pytest.mark.parametrize("name", ["input", "readout", "a_1"])
def test_names_of_layers_do_not_clash(name):
    def function(x):
        shared = layers.Conv2D(2, 1, name="a")
        x = shared(layers.ReLU(name=name)(shared(x)))
        y = shared(x)
        return classify(layers.Concatenate()([layers.ReLU()(y), y, x]))

    segments = segments_of(net(function))
    assert name in named(segments)
    assert len(named(segments)) == len(segments)


def test_long_affine_chains_of_branches_are_quick():
    def function(x):
        for _ in range(40):  # 2^40 paths
            x = layers.Add()([x, x])
        return classify(layers.ReLU()(x))

    assert len(segments_of(net(function))) == 2
