"""A term's rows times a change of its kernel is the change of the current."""

import keras
import numpy as np
import pytest

from tests.support.segments import conv, current_of, inputs_of, segment
from tfsnn.calibration.kernel_terms import kernel_terms
from tfsnn.types import NeuronParameters

layers = keras.layers
ONE = NeuronParameters(np.float32(1), np.float32(0.5))


def projected(**arguments):
    return segment(
        layers.Conv2D(3, 3, padding="same", name="conv"),
        layers.Conv2D(3, 1, name="shortcut"),
        shapes=[(4, 4, 2)] * 2,
        **arguments,
    )


def broadcast():
    """The second summand has one position, which goes to all of them."""
    return segment(
        layers.Conv2D(3, 3, padding="same", name="conv"),
        layers.Conv2D(3, 4, name="everywhere"),
        shapes=[(4, 4, 2)] * 2,
    )


def headed():
    def head(x):
        x = layers.GlobalAveragePooling2D()(x)
        return layers.Dense(3, use_bias=False, name="dense")(x)

    return segment(head)


SEGMENTS = {
    "conv": conv,
    "valid": lambda: conv(padding="valid"),
    "strides": lambda: conv(strides=2),
    "odd strides": lambda: segment(layers.Conv2D(3, 2, strides=3)),
    "dilation": lambda: conv(dilation_rate=2),
    "no bias": lambda: conv(use_bias=False),
    "groups": lambda: segment(layers.Conv2D(4, 3, groups=2)),
    "depthwise": lambda: segment(
        layers.DepthwiseConv2D(3, depth_multiplier=2, name="depthwise")
    ),
    "dense": lambda: segment(layers.Dense(3, name="dense"), shapes=[(5,)]),
    "dense on a map": lambda: segment(layers.Dense(3, name="dense")),
    "pool before": headed,
    "identity": lambda: segment(
        layers.Conv2D(2, 3, padding="same", name="conv"),
        layers.Activation("linear"),
        shapes=[(4, 4, 2)] * 2,
    ),
    "projection": projected,
    "operator": lambda: projected(join=lambda: lambda x: x[0] + x[1]),
    "broadcast": broadcast,
}


@pytest.mark.parametrize("kind", SEGMENTS)
def test_rows_are_what_the_kernel_multiplies(kind):
    rng = np.random.default_rng(2)
    one = SEGMENTS[kind]()
    sources = inputs_of(one)
    before = current_of(one, sources)
    terms = kernel_terms(one)
    assert terms
    expected, weights = before.astype("float64"), {}
    for term in terms:
        rows = term.rows(sources)
        outputs = before.shape[-1] // term.groups
        change = rng.normal(size=(term.groups, rows.shape[-1], outputs))
        present = tuple(one.model.get_layer(term.layer).get_weights())
        weights[term.layer] = term.changed(present, change)
        added = np.einsum("bpgd,gdc->bpgc", rows, change)
        expected += added.reshape(before.shape)
    got = current_of(one, sources, ONE.replace(weights=weights))
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-4)


def test_every_summand_is_a_term():
    assert {t.layer for t in kernel_terms(projected())} == {"conv", "shortcut"}


def test_what_is_broadcast_is_none():
    assert [term.layer for term in kernel_terms(broadcast())] == ["conv"]


def test_fixed_layers_are_none():
    terms = kernel_terms(projected(), frozenset({"conv"}))
    assert [term.layer for term in terms] == ["shortcut"]


@pytest.mark.parametrize(
    "function",
    [
        lambda x: layers.AveragePooling2D(2)(layers.Conv2D(3, 3)(x)),
        layers.SeparableConv2D(3, 3),
        layers.Conv2DTranspose(3, 3),
    ],
    ids=["pooled", "separable", "transposed"],
)
def test_other_segments_have_none(function):
    assert kernel_terms(segment(function)) == []


def test_groups_beside_another_kernel_have_none():
    one = segment(
        layers.DepthwiseConv2D(3, padding="same"),
        layers.Conv2D(2, 1),
        shapes=[(4, 4, 2)] * 2,
    )
    assert kernel_terms(one) == []
