"""Every ReLU family of keras.applications: one row each, one property a test.

The heavy rows run in `make test-all`.
"""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.support.applications import CHEAP, HEAVY, OTHER, build, images
from tests.support.counted import count_error, largest_as_thresholds
from tests.support.networks import default_dtype
from tfsnn import check, convert, export_saved_model
from tfsnn.calibration import SweepConfig, calibrate, pipelines
from tfsnn.conversion.check import is_head, is_neuron
from tfsnn.graph import cut, trace
from tfsnn.graph.passes import prepare

ROWS = CHEAP | HEAVY
every_row = pytest.mark.parametrize(
    "name",
    [
        *CHEAP,
        *(pytest.param(name, marks=pytest.mark.slow) for name in HEAVY),
    ],
)
heavy_row = pytest.mark.parametrize("name", ROWS)


@functools.lru_cache(maxsize=1)
def converted(name):
    """Source and conversion; tests come row by row."""
    model = build(ROWS[name])
    return model, convert(model)


@every_row
def test_prepared_equals_source(name):
    _, conversion = converted(name)
    assert conversion.difference <= 1e-4


@every_row
def test_segments_cover_the_graph(name):
    _, conversion = converted(name)
    graph = conversion.graph
    segments = cut(graph, is_neuron=is_neuron, is_head=is_head)
    inside = {
        operation.name
        for segment in segments
        for operation in segment.model.operations
    }
    outside = [
        call.name
        for call in graph
        if not is_neuron(call) and not is_head(call) and call.name not in inside
    ]
    assert not outside
    # No segment holds a good part of the network.
    assert max(len(s.model.operations) for s in segments) <= 30


@every_row
def test_counts_come_near(name):
    _, conversion = converted(name)
    assert count_error(conversion, images(conversion.analog)) <= 1e-2


@pytest.mark.slow
@heavy_row
def test_prepared_equals_source_after_reload(name, tmp_path):
    model, conversion = converted(name)
    conversion.analog.save(tmp_path / "prepared.keras")
    loaded = keras.models.load_model(tmp_path / "prepared.keras")
    batch = images(model)
    wanted = np.asarray(model(batch, training=False))
    got = np.asarray(loaded(batch, training=False))
    assert np.abs(got - wanted).max() <= 1e-4 * np.abs(wanted).max()


@pytest.mark.slow
@heavy_row
def test_prepared_equals_source_in_float64(name, tmp_path):
    with default_dtype("float64"):
        model = build(ROWS[name])
        batch = images(model).astype("float64")
        wanted = model(batch, training=False)
        prepared = prepare(trace(model)).model
        got = prepared(batch, training=False)
        prepared.save(tmp_path / "prepared.keras")
        loaded = keras.models.load_model(tmp_path / "prepared.keras")
        again = loaded(batch, training=False)
    np.testing.assert_allclose(got, wanted, rtol=1e-9)
    np.testing.assert_allclose(again, wanted, rtol=1e-9)


@pytest.mark.slow
@heavy_row
@pytest.mark.parametrize("lag", [0, 2])
def test_saved_model_gives_the_same_bits(name, lag, tmp_path):
    model, conversion = converted(name)
    spiking = conversion.spiking_model(
        2,
        lag=lag,
        parameters=largest_as_thresholds(conversion, images(model)),
    )
    record = export_saved_model(spiking, tmp_path / "served")
    loaded = tf.saved_model.load(record.path / str(record.versions[2]))
    batch = images(model)
    got = loaded.signatures["serving_default"](images=tf.constant(batch))
    for key, wanted in record.expected(batch)[2].items():
        np.testing.assert_array_equal(got[key], wanted)


@pytest.mark.slow
@heavy_row
def test_calibrates_to_finite_parameters(name):
    model, conversion = converted(name)
    result = calibrate(
        conversion,
        images(model, 32),
        timesteps=[4],
        pipeline=pipelines.light(),
        config=SweepConfig(lag=4),
    )
    assert np.isfinite(result[4](images(model))).all()


@pytest.mark.slow
@pytest.mark.parametrize("name", OTHER)
def test_other_families_get_one_complete_list(name):
    found = check(build(OTHER[name]))
    assert not found.ok
    assert all(one.reason and one.remedy for one in found)
    assert any("Retrain" in one.remedy for one in found)
