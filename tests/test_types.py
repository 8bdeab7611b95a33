import dataclasses

import numpy as np
import pytest

from tfsnn.types import NeuronParameters, granularity_of

FEATURES = (5, 6, 3)


def test_replace_makes_a_copy():
    before = NeuronParameters(np.float32(2), np.float32(1))
    after = before.replace(bias=np.ones(3))
    assert before.bias is None
    assert after.threshold is before.threshold
    np.testing.assert_array_equal(after.bias, np.ones(3))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize(
    "changes",
    [
        lambda bad: {"threshold": np.float32(bad)},
        lambda bad: {"initial_potential": np.float32([0, bad])},
        lambda bad: {"bias": np.float32(bad)},
        lambda bad: {"temporal_bias": np.float32([[0, bad]])},
        lambda bad: {"weights": {"conv": (np.zeros(2), np.float32([bad]))}},
    ],
    ids=["threshold", "potential", "bias", "temporal_bias", "weights"],
)
def test_finite_or_not(changes, bad):
    good = NeuronParameters(np.float32(2), np.float32(1))
    assert good.replace(**changes(0.5)).is_finite()
    assert not good.replace(**changes(bad)).is_finite()


def test_a_plain_neuron_has_no_bias_and_keeps_its_weights():
    plain = NeuronParameters(np.float32(2), np.float32(1))
    assert plain.bias is plain.temporal_bias is plain.weights is None


def test_parameters_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError, match="threshold"):
        NeuronParameters(np.float32(2), np.float32(1)).threshold = 1


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((), "layer"), ((3,), "channel"), (FEATURES, "neuron")],
    ids=str,
)
def test_granularity(shape, expected):
    assert granularity_of(np.ones(shape), FEATURES) == expected


def test_a_number_is_for_the_layer():
    assert granularity_of(1.5, FEATURES) == "layer"


def test_vectors_are_for_channels():
    assert granularity_of(np.ones(3), (3,)) == "channel"


@pytest.mark.parametrize("shape", [(1,), (5,), (6, 3), (1, 5, 6, 3)], ids=str)
def test_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match=r"Supported: \(\), \(3,\) and \(5,"):
        granularity_of(np.ones(shape), FEATURES)
