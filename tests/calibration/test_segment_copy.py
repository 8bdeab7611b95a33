"""A copy of a segment: the same currents, other variables."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.support import segments
from tests.support.networks import default_dtype
from tfsnn.calibration.segment_copy import SegmentCopy
from tfsnn.types import NeuronParameters

layers = keras.layers
ONE = NeuronParameters(np.float32(1), np.float32(0.5))


def names(copy):
    return [variable.name for variable in copy.variables]


def current(copy, inputs):
    return copy.current([tf.constant(values) for values in inputs]).numpy()


def test_current_is_that_of_the_segment():
    segment = segments.conv()
    inputs = segments.inputs_of(segment)
    got = current(SegmentCopy(segment, ONE), inputs)
    np.testing.assert_array_equal(got, segments.current_of(segment, inputs))


@pytest.mark.parametrize(
    "shape", [(), (3,), (4, 4, 3)], ids=["layer", "channel", "neuron"]
)
def test_current_has_the_bias(rng, shape):
    segment = segments.conv()
    inputs = segments.inputs_of(segment)
    parameters = ONE.replace(bias=rng.normal(size=shape).astype("float32"))
    got = current(SegmentCopy(segment, parameters), inputs)
    expected = segments.current_of(segment, inputs, parameters)
    np.testing.assert_array_equal(got, expected)


def test_current_has_the_mean_of_a_bias_a_step():
    segment = segments.conv()
    inputs = segments.inputs_of(segment)
    steps = np.float32([[0, 1, 2], [1, 1, -4]])
    got = current(
        SegmentCopy(segment, ONE.replace(temporal_bias=steps)), inputs
    )
    expected = segments.current_of(segment, inputs) + np.float32([0.5, 1, -1])
    np.testing.assert_array_equal(got, expected)


def test_weights_of_the_parameters_come_first():
    segment = segments.conv()
    inputs = segments.inputs_of(segment)
    weights = tuple(2 * values for values in segment.model.get_weights())
    copy = SegmentCopy(segment, ONE.replace(weights={"conv": weights}))
    expected = 2 * segments.current_of(segment, inputs)
    # Doubling is exact.
    np.testing.assert_array_equal(current(copy, inputs), expected)


def test_a_fixed_layer_has_the_weights_of_the_parameters_too():
    segment = segments.conv()
    inputs = segments.inputs_of(segment)
    weights = tuple(2 * values for values in segment.model.get_weights())
    copy = SegmentCopy(
        segment,
        ONE.replace(weights={"conv": weights}),
        fixed=frozenset({"conv"}),
    )
    assert copy.kernels == []
    expected = 2 * segments.current_of(segment, inputs)
    np.testing.assert_array_equal(current(copy, inputs), expected)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ["kernel"]),
        ({"train_bias": True}, ["kernel", "bias"]),
        ({"train_threshold": True}, ["kernel", "log_scale"]),
        (
            {"train_bias": True, "train_threshold": True},
            ["kernel", "bias", "log_scale"],
        ),
        ({"fixed": frozenset({"conv"})}, []),
    ],
    ids=["kernel", "bias", "threshold", "all", "fixed"],
)
def test_what_is_trained(options, expected):
    assert names(SegmentCopy(segments.conv(), ONE, **options)) == expected


def test_a_separable_convolution_has_two_kernels():
    segment = segments.segment(layers.SeparableConv2D(3, 3))
    copy = SegmentCopy(segment, ONE)
    assert names(copy) == ["depthwise_kernel", "pointwise_kernel"]


def test_other_layers_are_not_trained():
    segment = segments.segment(layers.BatchNormalization())
    assert SegmentCopy(segment, ONE).kernels == []


def test_adapters_are_not_trained():
    segment = segments.segment(layers.Dense(3, name="dense"))
    segment.model.get_layer("dense").enable_lora(1)
    assert names(SegmentCopy(segment, ONE)) == ["kernel"]


def test_a_shared_layer_has_one_copy():
    dense = layers.Dense(3)
    segment = segments.segment(dense, dense, shapes=[(2,), (2,)])
    copy = SegmentCopy(segment, ONE)
    assert names(copy) == ["kernel"]
    inputs = segments.inputs_of(segment)
    np.testing.assert_array_equal(
        current(copy, inputs), segments.current_of(segment, inputs)
    )


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        ("float64", "float64"),
        ("float32", "float32"),
        ("mixed_bfloat16", "float32"),
        ("bfloat16", "float32"),
    ],
)
def test_dtype_of_training(dtype, expected):
    with default_dtype("float64" if dtype == "float64" else "float32"):
        segment = segments.conv(dtype=dtype)
    copy = SegmentCopy(segment, ONE)
    inputs = segments.inputs_of(segment)
    assert copy.dtype == expected
    assert {variable.dtype for variable in copy.variables} == {expected}
    got = current(copy, inputs)
    assert got.dtype == expected
    wanted = segments.current_of(segment, inputs).astype(expected)
    np.testing.assert_array_equal(got, wanted)


def test_trained_weights_have_the_dtype_and_order_of_the_layer():
    segment = segments.conv(dtype="bfloat16")
    (name,) = SegmentCopy(segment, ONE).parameters().weights
    got = SegmentCopy(segment, ONE).parameters().weights[name]
    expected = segment.model.get_layer(name).get_weights()
    assert [values.dtype for values in got] == [v.dtype for v in expected]
    for values, wanted in zip(got, expected, strict=True):
        np.testing.assert_array_equal(values, wanted)


def test_threshold_and_potential_move_together():
    parameters = NeuronParameters(np.float32([1, 2]), np.float32(0.25))
    segment = segments.segment(layers.Dense(2), shapes=[(3,)])
    copy = SegmentCopy(segment, parameters, train_threshold=True)
    (scale,) = copy.variables[1:]
    scale.assign(np.log([2.0, 0.5]))
    got = copy.parameters()
    # exp(log x) is x up to the last bits.
    np.testing.assert_allclose(got.threshold, [2, 1], rtol=1e-6)
    np.testing.assert_allclose(got.initial_potential, [0.5, 0.125], rtol=1e-6)
    assert got.threshold.dtype == got.initial_potential.dtype == np.float32


@pytest.mark.parametrize(
    ("bias", "shape"),
    [(None, (3,)), (np.float32(2), ()), (np.ones((4, 4, 3)), (4, 4, 3))],
    ids=["none", "layer", "neuron"],
)
def test_a_trained_bias_keeps_its_shape(bias, shape):
    copy = SegmentCopy(segments.conv(), ONE.replace(bias=bias), train_bias=True)
    got = copy.parameters().bias
    expected = np.zeros(shape) if bias is None else bias
    np.testing.assert_array_equal(got, expected)
    assert got.dtype == np.float32
    assert got.shape == shape


def test_other_weights_stay_in_the_parameters():
    other = (np.ones(2),)
    copy = SegmentCopy(segments.conv(), ONE.replace(weights={"other": other}))
    got = copy.parameters().weights
    assert set(got) == {"other", "conv"}
    assert got["other"] is other


def test_change_is_relative_to_the_kernel():
    copy = SegmentCopy(segments.conv(), ONE)
    assert copy.change().numpy() == 0
    (kernel,) = copy.kernels
    kernel.assign(1.5 * kernel.numpy())
    # (w / 2)^2 over w^2.
    np.testing.assert_allclose(copy.change(), 0.25, rtol=1e-6)


def test_change_of_a_kernel_of_zeros_is_finite():
    segment = segments.conv(use_bias=False)
    zeros = tuple(0 * values for values in segment.model.get_weights())
    copy = SegmentCopy(segment, ONE.replace(weights={"conv": zeros}))
    assert copy.change().numpy() == 0


def test_gradients_of_zeros_are_masked():
    segment = segments.conv(use_bias=False)
    (kernel,) = segment.model.get_weights()
    kernel[0] = 0
    copy = SegmentCopy(
        segment, ONE.replace(weights={"conv": (kernel,)}), train_bias=True
    )
    gradients = [tf.ones(variable.shape) for variable in copy.variables]
    got, bias = copy.masked(gradients)
    np.testing.assert_array_equal(got, kernel != 0)
    np.testing.assert_array_equal(bias, np.ones(3))


def test_a_snapshot_is_not_written_again():
    copy = SegmentCopy(segments.conv(), ONE)
    (kernel,) = copy.kernels
    before = kernel.numpy().copy()
    snapshot = copy.snapshot()
    kernel.assign(0 * before)
    np.testing.assert_array_equal(snapshot[0], before)
    copy.restore(snapshot)
    np.testing.assert_array_equal(kernel, before)
