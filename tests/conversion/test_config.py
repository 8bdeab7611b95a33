import pytest

from tfsnn.conversion import ConversionConfig


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
    }
    assert ConversionConfig.from_dict(config.to_dict()) == config


def test_records_from_before_unit_spikes_are_read():
    older = {"average_pool": "linear", "reset": "soft"}
    assert ConversionConfig.from_dict(older) == ConversionConfig()
