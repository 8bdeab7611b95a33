import keras
import numpy as np
import pytest

from tests.support.convertible import network
from tfsnn.conversion.operation_rules import operation_role
from tfsnn.conversion.rules import HEAD, rule_for
from tfsnn.graph import trace

ops = keras.ops


def last_call(function):
    return trace(network(function)).calls[-1]


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x + x,
        lambda x: x - 1.0,
        lambda x: -x,
        lambda x: 2.0 * x,
        lambda x: x / 2.0,
        lambda x: x + np.ones((1, 6, 6, 2)),
        lambda x: x * np.ones(2),
        lambda x: x[:, ::2, 1:],
        lambda x: x[..., 0],
        lambda x: ops.pad(x, [[0, 0], [1, 1], [0, 0], [0, 1]]),
        lambda x: ops.transpose(x, (0, 3, 1, 2)),
        lambda x: ops.reshape(x, (-1, 72)),
        lambda x: ops.concatenate([x, x], axis=-1),
        lambda x: ops.mean(x, axis=(1, 2)),
        lambda x: ops.sum(x, axis=-1, keepdims=True),
    ],
)
def test_affine(function):
    assert operation_role(last_call(function)) == ("affine", "")


@pytest.mark.parametrize(
    "function",
    [
        ops.relu,
        ops.relu6,
        keras.activations.relu,
        lambda x: keras.activations.relu(x, max_value=2.0),
        lambda x: ops.maximum(x, 0),
        lambda x: ops.maximum(0.0, x),
        lambda x: ops.clip(x, 0, 6),
    ],
)
def test_relus_are_neurons(function):
    assert operation_role(last_call(function)) == ("neuron", "")


@pytest.mark.parametrize(
    "function",
    [ops.softmax, ops.log_softmax, ops.sigmoid, ops.tanh],
    ids=lambda function: function.__name__,
)
def test_last_activations_are_heads(function):
    call = last_call(function)
    assert operation_role(call) == (HEAD, "")
    assert rule_for(call).reason == f"{call.kind} has no spiking counterpart"


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (lambda x: ops.square(x), "no rule for the operation keras.ops 'Sq"),
        (lambda x: ops.maximum(x, 0.5), "larger one of a signal and 0"),
        (lambda x: ops.maximum(x, -x), "larger one of a signal and 0"),
        (lambda x: ops.clip(x, -1, 1), "only clipping from 0 up"),
        (lambda x: ops.amax(x, axis=-1), "over other axes than those of the"),
        (lambda x: x + np.ones((4, 6, 6, 2)), "operand of shape (4, 6, 6, 2)"),
        (lambda x: x * np.ones((4, 6, 6, 2)), "not treat all samples alike"),
        (lambda x: x[:, 0] + x, "operand of shape (None, 6, 2)"),
        (lambda x: x * x, "'Multiply' of two tensors is not affine"),
        (lambda x: x / x, "division by a tensor"),
        (lambda x: 1.0 / x, "division by a tensor"),
        (lambda x: x[0], "slicing of the batch"),
        (lambda x: x[..., 0:1, :, :, :], "slicing of the batch"),
        (lambda x: ops.pad(x, 1), "padding of the batch"),
        (lambda x: ops.transpose(x), "moves the batch axis"),
        (lambda x: ops.transpose(x, (1, 0, 2, 3)), "moves the batch axis"),
        (lambda x: ops.reshape(x, (3, -1)), "fixed batch size"),
        (lambda x: ops.reshape(x, (-1, 2)), "changes the batch axis"),
        (lambda x: ops.reshape(x, (-1, 12, 5)), "changes the batch axis"),
        (lambda x: ops.concatenate([x, x], axis=0), "over the batch axis"),
        (lambda x: ops.concatenate([x, x], axis=-4), "over the batch axis"),
        (lambda x: ops.mean(x), "over the batch axis"),
        (lambda x: ops.sum(x, axis=(0, 1)), "over the batch axis"),
        (
            lambda x: keras.activations.relu(x, negative_slope=0.1),
            "a slope or threshold",
        ),
    ],
)
def test_refusals_have_a_reason(function, reason):
    call = last_call(function)
    role, found = operation_role(call)
    assert role is None
    assert reason in found
    assert "Use a Keras layer" in rule_for(call).remedy


class Relu(keras.Operation):
    """Of the same name as Keras's."""

    def call(self, x):
        return x

    def compute_output_spec(self, x):
        return keras.KerasTensor(x.shape, x.dtype)


def test_an_operation_of_your_own_is_refused():
    role, reason = operation_role(last_call(lambda x: Relu()(x)))
    assert role is None
    assert reason == "no rule for your own operation 'Relu'"
