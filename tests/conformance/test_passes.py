"""Every model of the table, with everything that preparing it must keep."""

import dataclasses
import functools
from typing import Any

import keras
import numpy as np
import pytest

from tests.conformance.pass_cases import CASES
from tests.support.networks import (
    default_dtype,
    kinds,
    outputs_of,
    random_inputs,
    with_random_weights,
)
from tfsnn.graph import trace
from tfsnn.graph.passes import (
    PASSES,
    equalise,
    pool_to_convolution,
    prepare,
    slice_to_pool,
)
from tfsnn.graph.view import Graph

every_case = pytest.mark.parametrize("name", CASES)
# Rounding of a few hundred float64 additions, far below any real error.
EXACT = {"rtol": 1e-9, "atol": 1e-9}


@dataclasses.dataclass
class Prepared:
    """A source model, what it computed before, and its prepared graph."""

    source: keras.Model
    weights: list
    inputs: Any
    expected: list
    graph: Graph


@functools.cache
def prepared(name, dtype="float64"):
    rng = np.random.default_rng(0)
    with default_dtype(dtype):
        source = with_random_weights(CASES[name].build(), rng)
        inputs = random_inputs(source, rng)
        weights = [np.copy(value) for value in source.get_weights()]
        expected = outputs_of(source, inputs)
        return Prepared(
            source, weights, inputs, expected, prepare(trace(source))
        )


def assert_all_close(got, expected, **tolerance):
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_allclose(a, b, **tolerance)


@every_case
def test_outputs_stay(name):
    row = prepared(name)
    got = outputs_of(row.graph.model, row.inputs)
    assert {output.dtype.name for output in got} == {"float64"}
    assert_all_close(got, row.expected, **EXACT)


@pytest.mark.parametrize(
    "name",
    [
        "bn_chain_before_convolution",
        "bn_on_both_sides",
        "residual_network",
        "sequential",
        "transpose2d_then_bn",
    ],
)
def test_outputs_stay_in_float32(name):
    row = prepared(name, "float32")
    got = outputs_of(row.graph.model, row.inputs)
    for a, b in zip(got, row.expected, strict=True):
        assert np.abs(a - b).max() <= 1e-4 * np.abs(b).max()


@every_case
def test_source_is_untouched(name):
    row = prepared(name)
    assert_all_close(row.source.get_weights(), row.weights, rtol=0)
    assert_all_close(outputs_of(row.source, row.inputs), row.expected, rtol=0)


@every_case
def test_no_weight_is_shared_with_the_source(name):
    row = prepared(name)
    of_source = {id(variable) for variable in row.source.variables}
    of_graph = {id(variable) for variable in row.graph.model.variables}
    assert not of_source & of_graph


@every_case
def test_prepared_again_nothing_changes(name):
    row = prepared(name)
    again = prepare(row.graph)
    assert kinds(again.model) == kinds(row.graph.model)
    assert [call.name for call in again] == [call.name for call in row.graph]
    assert_all_close(outputs_of(again.model, row.inputs), row.expected, **EXACT)


@every_case
def test_batch_norms_left(name):
    found = kinds(prepared(name).graph.model)
    assert found.count("ChannelAffine") == CASES[name].affines
    assert found.count("BatchNormalization") == CASES[name].batch_norms


@every_case
def test_relus_found(name):
    if CASES[name].relus is not None:
        found = [
            call
            for call in prepared(name).graph
            if type(call.operation) is keras.layers.ReLU
        ]
        assert len(found) == CASES[name].relus


@every_case
def test_no_relu_is_hidden_or_shared(name):
    graph = prepared(name).graph
    for call in graph:
        operation = call.operation
        if isinstance(operation, keras.layers.ReLU):
            assert graph.num_calls(operation) == 1
        elif isinstance(operation, keras.layers.Activation):
            assert operation.activation is keras.activations.softmax
        else:
            assert "relu" not in call.kind.lower().replace("leakyrelu", "")
            activation = getattr(operation, "activation", None)
            assert activation in (None, keras.activations.linear)


@every_case
def test_kept_layers_keep_their_names(name):
    row = prepared(name)
    kept = ("conv", "dense", "add", "max", "global")
    names = [layer.name for layer in row.source.layers]
    before = {name for name in names if name.startswith(kept)}
    assert before <= {op.name for op in row.graph.model.operations}


@every_case
def test_save_and_load(name, tmp_path):
    row = prepared(name)
    row.graph.model.save(tmp_path / "prepared.keras")
    loaded = keras.models.load_model(tmp_path / "prepared.keras")
    got = outputs_of(loaded, row.inputs)
    assert_all_close(got, outputs_of(row.graph.model, row.inputs), rtol=0)


@pytest.mark.parametrize(
    "apply_pass", [*PASSES, pool_to_convolution, slice_to_pool, equalise]
)
@pytest.mark.parametrize(
    "name",
    [
        "fused_relu_then_bn_then_valid",
        "inactive_layers",
        "padded_and_sliced_shortcut",
        "sequential",
        "shared_relu",
        "two_inputs",
    ],
)
def test_each_pass_alone_keeps_the_outputs(apply_pass, name):
    row = prepared(name)
    graph = apply_pass(trace(row.source))
    assert_all_close(outputs_of(graph.model, row.inputs), row.expected, **EXACT)
    assert kinds(apply_pass(graph).model) == kinds(graph.model)
