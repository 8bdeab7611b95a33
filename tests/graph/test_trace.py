import keras
import numpy as np
import pytest

from tests.support.networks import (
    outputs_of,
    random_inputs,
    with_random_weights,
)
from tfsnn.errors import ConversionError
from tfsnn.graph import trace
from tfsnn.graph.trace import StandIn

layers, ops = keras.layers, keras.ops


def functional():
    x = keras.Input((4,), name="x")
    return keras.Model(x, layers.Dense(2, name="a")(x), name="net")


def sequential():
    return keras.Sequential([keras.Input((4,)), layers.Dense(2, name="a")])


def built_late():
    model = keras.Sequential([layers.Dense(2, name="a")])
    model.build((None, 4))
    return model


class WithTrainStep(keras.Model):
    """A Functional model with methods of its own."""


def functional_subclass():
    x = keras.Input((4,))
    return WithTrainStep(x, layers.Dense(2, name="a")(x))


every_form = pytest.mark.parametrize(
    "build", [functional, sequential, built_late, functional_subclass]
)


@every_form
def test_same_outputs_in_the_same_structure(build, rng):
    model = with_random_weights(build(), rng)
    inputs = random_inputs(model, rng)
    copy = trace(model).model
    keras.tree.assert_same_structure(copy(inputs), model(inputs))
    np.testing.assert_array_equal(
        outputs_of(copy, inputs), outputs_of(model, inputs)
    )


@every_form
def test_weights_are_copies(build, rng):
    model = with_random_weights(build(), rng)
    before = model.get_weights()
    copy = trace(model).model
    copy.set_weights([np.zeros_like(value) for value in before])
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)


@every_form
def test_names_stay(build):
    model = build()
    graph = trace(model)
    assert graph.model.name == model.name
    assert [call.name for call in graph] == ["a"]


def test_the_source_gains_no_calls():
    model = functional()
    trace(model)
    (consumer,) = [call for call in trace(model) if call.operation.name == "a"]
    assert consumer.operation is not model.get_layer("a")
    assert model.get_layer("a").output is model.output


def kernel_and_relu(name="inner"):
    x = keras.Input((4,))
    y = layers.ReLU(name="act")(layers.Dense(4, name="dense")(x))
    return keras.Model(x, y, name=name)


def test_nested_models_are_opened():
    x = keras.Input((4,))
    nested = keras.Sequential([keras.Input((4,)), kernel_and_relu()])
    model = keras.Model(x, layers.Dense(2, name="last")(nested(x)))
    graph = trace(model)
    assert [call.name for call in graph] == ["dense", "act", "last"]
    values = np.random.default_rng(0).normal(size=(3, 4))
    np.testing.assert_array_equal(graph.model(values), model(values))


def test_layers_of_nested_models_get_names_of_their_own():
    x = keras.Input((4,))
    y = layers.Dense(4, name="dense")(x)
    y = kernel_and_relu("a")(kernel_and_relu("b")(y))
    names = [call.name for call in trace(keras.Model(x, y))]
    assert names == ["dense", "dense_1", "act", "dense_2", "act_1"]


def test_a_nested_model_used_twice_shares_its_layers():
    x, nested = keras.Input((4,)), kernel_and_relu()
    model = keras.Model(x, nested(nested(x)))
    graph = trace(model)
    assert [call.name for call in graph] == ["dense", "act"] * 2
    assert graph.num_calls(graph.calls[0].operation) == 2
    values = np.random.default_rng(0).normal(size=(3, 4))
    np.testing.assert_array_equal(graph.model(values), model(values))


def test_a_layer_inside_and_outside_of_a_nested_model_stays_one():
    x, dense = keras.Input((4,)), layers.Dense(4)
    nested = keras.Sequential([keras.Input((4,)), dense])
    graph = trace(keras.Model(x, dense(nested(x))))
    assert graph.num_calls(graph.calls[0].operation) == 2


def test_nested_models_with_several_inputs_and_outputs():
    a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b")
    inside = {"sum": layers.Add()([a, b]), "half": ops.multiply(a, 0.5)}
    nested = keras.Model({"b": b, "a": a}, inside)
    x = keras.Input((4,))
    found = nested({"a": x, "b": layers.Dense(4)(x)})
    model = keras.Model(x, [found["half"], found["sum"]])
    values = np.random.default_rng(0).normal(size=(3, 4))
    for got, wanted in zip(
        trace(model).model(values), model(values), strict=True
    ):
        np.testing.assert_array_equal(got, wanted)


def test_nested_models_in_training_stay_closed():
    x = keras.Input((4,))
    graph = trace(keras.Model(x, kernel_and_relu()(x, training=True)))
    assert [call.name for call in graph] == ["inner"]


def test_not_a_model():
    with pytest.raises(TypeError, match=r"model is a builtins\.str\."):
        trace("resnet.keras")


def test_sequential_without_shape():
    model = keras.Sequential([layers.Dense(2)], name="late")
    with pytest.raises(ConversionError, match="'late' has no input shape yet"):
        trace(model)


class Hidden(keras.Model):
    """A subclassed model."""

    def call(self, inputs):
        return inputs


def test_subclassed_model():
    with pytest.raises(ConversionError, match=r"\(Hidden\) is subclassed"):
        trace(Hidden(name="hidden"))


def test_called_subclassed_model():
    model = Hidden(name="hidden")
    model(keras.Input((4,)))
    with pytest.raises(ConversionError, match=r"\(Hidden\) is subclassed"):
        trace(model)


@keras.saving.register_keras_serializable("tests")
class NoConfig(layers.Layer):
    """A layer that cannot be rebuilt."""

    def __init__(self, factor, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, inputs):
        return self.factor * inputs

    def get_config(self):
        return super().get_config()


def with_no_config(uses):
    x = keras.Input((4,))
    odd = NoConfig(2.0, name="odd")
    y = x
    for _ in range(uses):
        y = odd(y)
    return keras.Model(x, layers.Dense(2)(y))


@pytest.mark.parametrize("uses", [1, 2])
def test_stand_in_for_a_layer_that_cannot_be_rebuilt(uses):
    graph = trace(with_no_config(uses), stand_ins=True)
    kinds = [call.kind for call in graph]
    assert kinds == ["NoConfig"] * uses + ["Dense"]
    assert isinstance(graph.calls[0].operation, StandIn)
    assert graph.num_calls(graph.calls[0].operation) == uses


def test_no_stand_in_unless_asked_for():
    with pytest.raises(ConversionError, match=r"'odd' \(NoConfig\) cannot be"):
        trace(with_no_config(1))


def test_a_lambda_keeps_its_function():
    x = keras.Input((4,))
    odd = layers.Lambda(lambda tensor, by: by * tensor, arguments={"by": 3})
    model = keras.Model(x, odd(x))
    values = np.ones((2, 4), "float32")
    np.testing.assert_array_equal(trace(model).model(values), 3 * values)


def test_named_layers_are_declared_affine():
    x = keras.Input((4,))
    y = layers.Dense(3, name="odd")(layers.Dense(4)(x))
    model = keras.Model(x, y)
    graph = trace(model, affine=("odd",))
    assert graph.calls[-1].kind == "DeclaredAffine"
    assert graph.calls[-1].name == "odd"
    values = np.random.default_rng(0).normal(size=(3, 4))
    np.testing.assert_array_equal(graph.model(values), model(values))
