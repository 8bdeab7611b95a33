import pytest

from tests.support.convertible import build
from tfsnn import convert
from tfsnn.conversion.check import is_head, is_neuron
from tfsnn.graph.blocks import blocks
from tfsnn.graph.segments import INPUT, READOUT, Segment, cut
from tfsnn_models.resnet import cifar_resnet

CHAIN = {"a": [INPUT], "b": ["a"], "c": ["b"]}
RESIDUAL = {"a": [INPUT], "b": ["a"], "c": ["a", "b"], "d": ["c"]}
INPUT_AGAIN = {"a": [INPUT], "b": ["a"], "c": ["b", INPUT], "d": ["c"]}
DENSE = {"a": [INPUT], "b": ["a"], "c": ["a", "b"], "d": ["a", "b", "c"]}
TWO_ENDS = {"a": [INPUT], "b": ["a"], "c": ["a"]}
OPEN = {"a": [INPUT], "b": ["a"], "c": ["a"], "d": ["b"], "e": ["d"]}


def divided(sources):
    segments = [
        Segment(name, "neuron", tuple(read), None)
        for name, read in sources.items()
    ]
    return ["".join(s.name for s in block) for block in blocks(segments)]


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        (CHAIN, ["a", "b", "c"]),
        (RESIDUAL, ["a", "bc", "d"]),
        (INPUT_AGAIN, ["abc", "d"]),
        (DENSE, ["a", "bcd"]),
        (TWO_ENDS, ["a", "bc"]),
        (OPEN, ["a", "bcd", "e"]),
        ({}, []),
    ],
    ids=["chain", "residual", "input", "dense", "two ends", "open", "nothing"],
)
def test_blocks(sources, expected):
    assert divided(sources) == expected


def lengths(model):
    graph = convert(model).graph
    segments = cut(graph, is_neuron=is_neuron, is_head=is_head)
    segments = [s for s in segments if s.role != READOUT]
    found = blocks(segments)
    assert [s for block in found for s in block] == segments
    return [len(block) for block in found]


def test_blocks_of_a_residual_network():
    """The stem, then three of two convolutions each."""
    model = cifar_resnet(depth=8, width=4, input_shape=(8, 8, 3), num_classes=5)
    assert lengths(model) == [1, 2, 2, 2]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("relu_layers", [1, 1]),
        ("residual", [1, 2]),
        ("pre_activation", [1, 2, 2]),
    ],
)
def test_blocks_of_small_networks(name, expected):
    """A residual stream without ReLU has blocks that end in a junction."""
    assert lengths(build(name)) == expected
