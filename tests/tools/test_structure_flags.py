import pytest
from absl import flags

from tfsnn import ConversionConfig
from tfsnn_tools import structure_flags


def parsed(*arguments):
    values = flags.FlagValues()
    structure_flags.define(values)
    values(["tfsnn", *arguments])
    return ConversionConfig(**structure_flags.conversion_options(values))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), ConversionConfig()),
        (("--max_pool=average",), ConversionConfig(max_pool="average")),
        (("--affine=a,b",), ConversionConfig(affine=("a", "b"))),
    ],
)
def test_options(arguments, expected):
    assert parsed(*arguments) == expected


def test_unknown_policies_are_refused():
    with pytest.raises(flags.IllegalFlagValueError, match="max_pool"):
        parsed("--max_pool=median")
