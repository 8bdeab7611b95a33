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

layers = keras.layers


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


def test_nested_model_is_one_call():
    x = keras.Input((4,))
    graph = trace(keras.Model(x, functional()(x)))
    assert [call.name for call in graph] == ["net"]


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


def with_lambda(uses):
    x = keras.Input((4,))
    odd = layers.Lambda(lambda tensor: 2 * tensor, (4,), name="odd")
    y = x
    for _ in range(uses):
        y = odd(y)
    return keras.Model(x, layers.Dense(2)(y))


@pytest.mark.filterwarnings("ignore:The object being serialized includes a")
@pytest.mark.parametrize("uses", [1, 2])
def test_stand_in_for_a_layer_that_cannot_be_rebuilt(uses):
    graph = trace(with_lambda(uses), stand_ins=True)
    kinds = [call.kind for call in graph]
    assert kinds == ["Lambda"] * uses + ["Dense"]
    assert isinstance(graph.calls[0].operation, StandIn)
    assert graph.num_calls(graph.calls[0].operation) == uses


@pytest.mark.filterwarnings("ignore:The object being serialized includes a")
def test_no_stand_in_unless_asked_for():
    with pytest.raises(ConversionError, match=r"'odd' \(Lambda\) cannot be"):
        trace(with_lambda(1))
