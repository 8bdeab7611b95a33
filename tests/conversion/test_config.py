import pytest

from tfsnn.conversion import ConversionConfig
from tfsnn.dynamics import (
    BitPlane,
    Burst,
    IntegrateAndFire,
    SignedIntegrateAndFire,
)

KINDS = {
    "plain": ({}, IntegrateAndFire("soft")),
    "hard": ({"reset": "hard"}, IntegrateAndFire("hard")),
    "signed": ({"neuron": "signed"}, SignedIntegrateAndFire()),
    "burst": ({"neuron": "burst"}, Burst(4)),
    "longer": ({"neuron": "burst", "max_spikes": 7}, Burst(7)),
    "bit-plane": ({"neuron": "bit_plane"}, BitPlane()),
}


@pytest.mark.parametrize(("arguments", "kind"), KINDS.values(), ids=KINDS)
def test_kind_of_neuron(arguments, kind):
    config = ConversionConfig(**arguments)
    assert config.kind == kind
    assert ConversionConfig.from_dict(config.to_dict()) == config


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            {"average_pool": "max"},
            "average_pool='max'. Supported: 'linear', 'n",
        ),
        ({"reset": "zero"}, "reset='zero'. Supported: 'soft', 'hard'"),
        ({"reset": None}, "reset=None. Supported"),
        ({"spikes": 1}, "spikes=1. Supported: 'threshold', 'unit'"),
        (
            {"neuron": "poisson"},
            "neuron='poisson'. Supported: 'if', 'signed', 'burst', 'bit_plane'",
        ),
        (
            {"neuron": "burst", "reset": "hard"},
            "reset='hard' with neuron='burst'. Supported: 'soft'; only plain",
        ),
        ({"equalise": None}, "equalise=None. Supported: False, True"),
        ({"max_spikes": 0}, "max_spikes=0. Supported: whole numbers 1...255."),
    ],
)
def test_unknown_values_are_refused(arguments, text):
    with pytest.raises(ValueError, match=text):
        ConversionConfig(**arguments)


def test_to_dict_and_back():
    config = ConversionConfig("neuron", "hard", "unit")
    assert config.to_dict() == {
        "average_pool": "neuron",
        "reset": "hard",
        "spikes": "unit",
        "neuron": "if",
        "max_spikes": 4,
        "equalise": False,
        "max_pool": "spiking",
        "affine": [],
    }
    assert ConversionConfig.from_dict(config.to_dict()) == config


def test_records_from_before_unit_spikes_are_read():
    older = {"average_pool": "linear", "reset": "soft"}
    assert ConversionConfig.from_dict(older) == ConversionConfig()
