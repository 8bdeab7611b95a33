import keras
import numpy as np
import pytest

from tests.support.networks import (
    kinds,
    outputs_of,
    random_inputs,
    with_random_weights,
)
from tfsnn.errors import ConversionError
from tfsnn.graph import Rewriter, rewrite, trace, unchanged
from tfsnn.graph.view import symbolic_tensors

layers, ops = keras.layers, keras.ops


def small_model():
    x = keras.Input((4,), name="x")
    shared = layers.Dense(4, name="shared")
    y = ops.relu(shared(shared(x)))
    return keras.Model(x, layers.Dense(2, name="last")(y), name="small")


@pytest.fixture
def model(rng):
    return with_random_weights(small_model(), rng)


def test_unchanged_keeps_the_outputs(model, rng):
    inputs = random_inputs(model, rng)
    copy = rewrite(trace(model), unchanged).model
    (expected,), (got,) = outputs_of(model, inputs), outputs_of(copy, inputs)
    np.testing.assert_array_equal(got, expected)


def test_unchanged_copies_every_layer(model):
    copy = rewrite(trace(model), unchanged).model
    assert kinds(copy) == kinds(model)
    assert not {*map(id, copy.operations)} & {*map(id, model.operations)}


def test_a_shared_layer_stays_shared(model):
    graph = rewrite(trace(model), unchanged)
    first, second, *_ = graph
    assert first.operation is second.operation


def test_weights_are_copies(model):
    graph = trace(model)
    copy = rewrite(graph, unchanged).model
    before = graph.model.get_weights()
    copy.set_weights([np.zeros_like(value) for value in copy.get_weights()])
    for a, b in zip(graph.model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", [None, "other"])
def test_name_of_the_model(model, name):
    copy = rewrite(trace(model), unchanged, name=name).model
    assert copy.name == (name or "small")


def test_graph_belongs_to_the_new_model(model):
    graph = rewrite(trace(model), unchanged)
    (output,) = graph.model.outputs
    assert graph.producer(output).name == "last"
    assert graph.is_output(output)


def test_a_visitor_may_drop_calls(model):
    def drop_dense(rewriter, call, args, kwargs):
        if call.name == "shared":
            return symbolic_tensors((args, kwargs))[0]
        return unchanged(rewriter, call, args, kwargs)

    assert kinds(rewrite(trace(model), drop_dense).model) == ["Relu", "Dense"]


def test_a_visitor_may_add_calls(model):
    def twice(rewriter, call, args, kwargs):
        outputs = unchanged(rewriter, call, args, kwargs)
        layer = layers.Rescaling(2, name=rewriter.unused_name("twice"))
        return rewriter.apply(layer, outputs)

    graph = rewrite(trace(model), twice)
    assert [call.name for call in graph][1::2] == [
        "twice",
        "twice_1",
        "twice_2",
        "twice_3",
    ]


def test_arguments_that_are_not_tensors_stay(rng):
    x = keras.Input((4, 3))
    y = ops.pad(x[:, ::2], [[0, 0], [0, 0], [1, 2]])
    model = keras.Model(x, y)
    inputs = random_inputs(model, rng)
    copy = rewrite(trace(model), unchanged).model
    np.testing.assert_array_equal(
        outputs_of(copy, inputs)[0], outputs_of(model, inputs)[0]
    )


def test_structures_of_inputs_and_outputs_stay():
    a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b")
    outputs = {"sum": a + b, "pair": [a * 2, b]}
    model = keras.Model({"a": a, "b": b}, outputs)
    copy = rewrite(trace(model), unchanged).model
    values = {"a": np.ones((1, 4)), "b": np.ones((1, 4))}
    keras.tree.assert_same_structure(copy.input, model.input)
    keras.tree.assert_same_structure(copy(values), outputs)


def test_copy_with_changes_keeps_the_weights(model):
    layer = model.get_layer("last")
    rewriter = Rewriter()
    copy = rewriter.copy(layer, activation="tanh")
    rewriter.apply(copy, keras.Input((4,)))
    assert copy.activation is keras.activations.tanh
    np.testing.assert_array_equal(copy.kernel, layer.kernel)


def test_copy_with_weights_of_its_own(model):
    layer = model.get_layer("last")
    rewriter = Rewriter()
    copy = rewriter.copy(layer, use_bias=False, weights=[np.ones((4, 2))])
    rewriter.apply(copy, keras.Input((4,)))
    np.testing.assert_array_equal(copy.get_weights(), [np.ones((4, 2))])


def test_statistics_of_a_normalization_are_used(rng):
    layer = layers.Normalization()
    layer.adapt(rng.normal(3, 2, (50, 4)))
    x = keras.Input((4,))
    model = keras.Model(x, layer(x))
    inputs = random_inputs(model, rng)
    copy = rewrite(trace(model), unchanged).model
    np.testing.assert_array_equal(
        outputs_of(copy, inputs)[0], outputs_of(model, inputs)[0]
    )


class Scale(layers.Layer):
    """A layer whose configuration lacks its argument."""

    def __init__(self, factor, **kwargs):
        super().__init__(**kwargs)
        self.factor = keras.ops.convert_to_tensor(factor)

    def call(self, inputs):
        return inputs * self.factor


def test_layer_without_configuration_is_refused():
    with pytest.raises(ConversionError, match=r"'odd' \(Scale\) cannot be"):
        Rewriter().copy(Scale(np.ones(1), name="odd"))


def test_names_count_up_past_taken_ones():
    rewriter = Rewriter(["a", "a_1"])
    names = [rewriter.unused_name(base) for base in "aabb"]
    assert names == ["a_2", "a_3", "b", "b_1"]


def test_first_use_keeps_the_name():
    relu = layers.ReLU(name="relu")
    rewriter = Rewriter(["relu", "relu_1"])
    names = [rewriter.name_of_use(relu) for _ in range(3)]
    assert names == ["relu", "relu_2", "relu_3"]
