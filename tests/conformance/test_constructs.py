"""Every construct of the table, one property a test."""

import functools
import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.support.constructs import ROWS
from tests.support.counted import count_error
from tests.support.networks import (
    default_dtype,
    outputs_of,
    random_inputs,
    with_random_weights,
)
from tfsnn import calibrate, convert, pipelines
from tfsnn.conversion.check import hidden_relus, is_head, is_neuron
from tfsnn.graph import cut, trace
from tfsnn.graph.passes import prepare

every_row = pytest.mark.parametrize("name", ROWS)


def source(name):
    return with_random_weights(ROWS[name](), np.random.default_rng(0))


@functools.cache
def converted(name):
    return convert(source(name))


def images(model, count=4):
    return random_inputs(model, np.random.default_rng(1), count)


@every_row
def test_prepared_equals_source(name):
    assert converted(name).difference <= 1e-4
    assert hidden_relus(converted(name).graph) == []


RELUS = ("relu", "leakyrelu", "prelu", "elu", "maximum", "clip", "lambda")


def configurations(value):
    """Every dict in a configuration, however deep."""
    if isinstance(value, dict):
        yield value
    parts = value.values() if isinstance(value, dict) else value
    if isinstance(value, (dict, list, tuple)):
        for part in parts:
            yield from configurations(part)


@every_row
@pytest.mark.parametrize(
    "form", ["folded", pytest.param("counts", marks=pytest.mark.slow)]
)
def test_no_relu_is_left(name, form):
    """Read from the file format, not by the code that converts."""
    conversion = converted(name)
    if form == "folded":
        model = conversion.spiking_model(4, lag=1)
    else:
        model = conversion.count_model(4)
    found = list(configurations(json.loads(model.to_json())))
    kinds = [str(one.get("class_name", "")).lower() for one in found]
    assert not [kind for kind in kinds if kind.startswith(RELUS)]
    activations = {
        str(one["activation"]) for one in found if one.get("activation")
    }
    assert activations <= {"linear", "softmax", "sigmoid"}
    neurons = [
        kind
        for kind in kinds
        if kind in ("spikingactivation", "countactivation")
    ]
    assert len(neurons) == len(conversion.neuron_names) > 0


@every_row
def test_counts_come_near(name):
    conversion = converted(name)
    assert count_error(conversion, images(conversion.analog)) <= 1e-2


@every_row
def test_segments_cover_the_graph(name):
    graph = converted(name).graph
    segments = cut(graph, is_neuron=is_neuron, is_head=is_head)
    inside = {o.name for s in segments for o in s.model.operations}
    affine = [c for c in graph if not (is_neuron(c) or is_head(c))]
    assert {call.name for call in affine} <= inside


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    # TensorFlow does not pool volumes in float64.
    [name for name in ROWS if name != "pooling_of_volumes"],
)
def test_prepared_equals_source_in_float64(name):
    with default_dtype("float64"):
        model = source(name)
        batch = images(model)
        for got, wanted in zip(
            outputs_of(prepare(trace(model)).model, batch),
            outputs_of(model, batch),
            strict=True,
        ):
            np.testing.assert_allclose(got, wanted, rtol=1e-9, atol=1e-12)


@pytest.mark.slow
@every_row
@pytest.mark.parametrize("form", ["folded", "counts"])
def test_files(name, form, tmp_path):
    conversion = converted(name)
    batch = images(conversion.analog)
    if form == "folded":
        model = conversion.spiking_model(4, lag=1)
    else:
        model = conversion.count_model(4)
    wanted = outputs_of(model, batch)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    for got, expected in zip(outputs_of(loaded, batch), wanted, strict=True):
        np.testing.assert_array_equal(got, expected)
    model.export(tmp_path / "saved", verbose=False)
    served = tf.saved_model.load(tmp_path / "saved")
    for got, expected in zip(
        keras.tree.flatten(served.serve(batch)), wanted, strict=True
    ):
        # Another graph may add up in another order.
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.slow
@every_row
def test_calibrates_to_finite_parameters(name):
    conversion = converted(name)
    result = calibrate(
        conversion,
        images(conversion.analog, 32),
        timesteps=[4],
        pipeline=pipelines.light(),
    )
    for output in outputs_of(result[4], images(conversion.analog)):
        assert np.isfinite(output).all()
