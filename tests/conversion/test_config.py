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
    ],
)
def test_unknown_values_are_refused(arguments, text):
    with pytest.raises(ValueError, match=text):
        ConversionConfig(**arguments)


def test_to_dict_and_back():
    config = ConversionConfig("neuron", "hard")
    assert config.to_dict() == {"average_pool": "neuron", "reset": "hard"}
    assert ConversionConfig.from_dict(config.to_dict()) == config
