import keras
import pytest

from tests.support.networks import kinds
from tfsnn.graph import trace
from tfsnn.graph.view import symbolic_tensors

layers, ops = keras.layers, keras.ops


@pytest.fixture
def graph():
    """A shared layer, operation nodes, and a tensor that also leaves."""
    x = keras.Input((4,), name="x")
    shared = layers.Dense(4, name="shared")
    a = shared(x)
    b = ops.relu(shared(a))
    return trace(keras.Model(x, [layers.Add(name="sum")([a, b]), b]))


def find(graph, name, use=0):
    """By name, or by kind where Keras counts the names up."""
    return [call for call in graph if name in (call.name, call.kind)][use]


def test_one_call_a_use_in_order(graph):
    kinds = [call.kind for call in graph]
    assert kinds == ["Dense", "Dense", "Relu", "Add"]


def test_operation_nodes_are_calls(graph):
    assert find(graph, "Relu").kind == "Relu"
    assert not isinstance(find(graph, "Relu").operation, keras.Layer)


def test_calls_are_those_of_the_model(graph):
    assert set(kinds(graph.model)) == {call.kind for call in graph}


def test_inputs_have_no_producer(graph):
    (tensor,) = graph.model.inputs
    assert graph.producer(tensor) is None
    assert graph.consumers(tensor) == [find(graph, "shared")]


def test_producer_tells_uses_of_a_shared_layer_apart(graph):
    (tensor,) = find(graph, "Relu").input_tensors
    assert graph.producer(tensor) is find(graph, "shared", use=1)


def test_consumers_in_order(graph):
    (tensor,) = find(graph, "shared").output_tensors
    names = [call.name for call in graph.consumers(tensor)]
    assert names == ["shared", "sum"]


def test_consumers_count_each_use():
    x = keras.Input((4,))
    graph = trace(keras.Model(x, layers.Add()([x, x])))
    assert len(graph.consumers(graph.model.inputs[0])) == 2


def test_calls_of_a_shared_layer(graph):
    shared = find(graph, "shared").operation
    assert graph.num_calls(shared) == len(graph.calls_of(shared)) == 2
    assert graph.num_calls(find(graph, "sum").operation) == 1


def test_only_consumer(graph):
    (tensor,) = find(graph, "shared", use=1).output_tensors
    assert graph.only_consumer(tensor) is find(graph, "Relu")


def test_no_only_consumer_of_two(graph):
    (tensor,) = find(graph, "shared").output_tensors
    assert graph.only_consumer(tensor) is None


def test_no_only_consumer_of_an_output(graph):
    (tensor,) = find(graph, "Relu").output_tensors
    assert len(graph.consumers(tensor)) == 1
    assert graph.is_output(tensor)
    assert graph.only_consumer(tensor) is None


def test_arguments_hold_more_than_tensors():
    x = keras.Input((4,))
    graph = trace(keras.Model(x, ops.pad(x, [[0, 0], [1, 1]])))
    (call,) = graph
    assert call.input_tensors == graph.model.inputs
    assert call.kind == "Pad"


def test_tensors_of_nested_arguments():
    x, y = keras.Input((4,)), keras.Input((4,))
    structure = ([x, 3], {"other": y, "none": None})
    found = symbolic_tensors(structure)
    assert [id(tensor) for tensor in found] == [id(x), id(y)]


@pytest.mark.parametrize(
    ("kwargs", "expected"),
    [({}, False), ({"training": True}, True), ({"training": False}, False)],
    ids=["default", "on", "off"],
)
def test_forced_training(kwargs, expected):
    x = keras.Input((4,))
    model = keras.Model(x, layers.Dropout(0.5)(x, **kwargs))
    (call,) = trace(model)
    assert call.forces_training is expected
