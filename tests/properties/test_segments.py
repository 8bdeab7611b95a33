"""Segments of networks that hypothesis draws."""

import keras
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.networks import with_random_weights
from tfsnn.conversion.check import is_head, is_neuron
from tfsnn.graph import trace
from tfsnn.graph.segments import INPUT, JUNCTION, NEURON, cut

layers = keras.layers
KINDS = ("convolution", "relu", "add", "concatenate")
# What is done, and to which of the tensors made so far.
steps = st.lists(
    st.tuples(st.sampled_from(KINDS), st.integers(0, 99), st.integers(0, 99)),
    min_size=1,
    max_size=8,
)


def apply(kind, left, right):
    if kind == "convolution":
        return layers.Conv2D(2, 3, padding="same")(left)
    if kind == "relu":
        return layers.ReLU()(left)
    if kind == "add":
        return layers.Add()([left, right])
    joined = layers.Concatenate()([left, right])
    return layers.Conv2D(2, 1)(joined)


def network(drawn):
    """A network of `[3, 3, 2]` maps whose output reads the last ones."""
    tensors = [keras.Input((3, 3, 2))]
    for kind, left, right in drawn:
        left = tensors[-1 - left % min(3, len(tensors))]
        right = tensors[-1 - right % len(tensors)]
        tensors.append(apply(kind, left, right))
    outputs = layers.Add()(tensors[-2:])
    model = keras.Model(tensors[0], layers.Flatten()(outputs))
    return with_random_weights(model, np.random.default_rng(0))


def segments_of(graph):
    return cut(graph, is_neuron=is_neuron, is_head=is_head)


def affine_names(operations):
    inputs = layers.InputLayer
    return sorted(o.name for o in operations if not isinstance(o, inputs))


@settings(max_examples=12)
@given(steps)
def test_every_affine_call_is_in_one_segment(drawn):
    graph = trace(network(drawn))
    found = [o for s in segments_of(graph) for o in s.model.operations]
    expected = [call.operation for call in graph if not is_neuron(call)]
    assert affine_names(found) == affine_names(expected)


@settings(max_examples=12)
@given(steps)
def test_composed_segments_are_the_network(drawn):
    graph = trace(network(drawn))
    images = np.random.default_rng(1).normal(size=(2, 3, 3, 2))
    values = {INPUT: keras.ops.cast(images, "float32")}
    for segment in segments_of(graph):
        sources = [values[source] for source in segment.sources]
        value = segment.model(sources[0] if len(sources) == 1 else sources)
        if segment.role == NEURON:
            value = keras.ops.relu(value)
        values[segment.name] = value
    expected = graph.model(values[INPUT])
    # The same operations in the same order: only threads may round otherwise.
    np.testing.assert_allclose(
        values["readout"], expected, rtol=1e-5, atol=1e-5
    )


@settings(max_examples=12)
@given(steps)
def test_junctions_are_read_more_than_once(drawn):
    segments = segments_of(trace(network(drawn)))
    read = [source for segment in segments for source in segment.sources]
    for segment in segments:
        if segment.role == JUNCTION:
            assert read.count(segment.name) > 1
