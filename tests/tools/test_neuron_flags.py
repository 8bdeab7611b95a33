import pytest
from absl import app, flags

from tfsnn.dynamics import NEURON_KINDS, Burst
from tfsnn.dynamics.burst_neuron import MOST_SPIKES
from tfsnn_tools import command_line, neuron_flags


def parsed(*arguments):
    values = flags.FlagValues()
    neuron_flags.define(values)
    command_line.parse(["tfsnn x", *arguments], values)
    return values


def test_the_kinds_there_are():
    assert tuple(NEURON_KINDS) == neuron_flags.NEURONS
    assert Burst.name == neuron_flags.BURST
    assert neuron_flags.MOST_SPIKES == MOST_SPIKES


@pytest.mark.parametrize(
    ("arguments", "options", "label"),
    [
        ([], {"neuron": "if", "max_spikes": 4}, "if"),
        (["--neuron=signed"], {"neuron": "signed", "max_spikes": 4}, "signed"),
        (
            ["--neuron=burst", "--max_spikes=2"],
            {"neuron": "burst", "max_spikes": 2},
            "burst 2",
        ),
    ],
)
def test_options_and_label(arguments, options, label):
    values = parsed(*arguments)
    assert neuron_flags.conversion_options(values) == options
    assert neuron_flags.label(values) == label


@pytest.mark.parametrize("neuron", ["if", "signed", "bit_plane"])
def test_only_bursts_have_a_largest_one(neuron):
    values = parsed(f"--neuron={neuron}", "--max_spikes=4")
    with pytest.raises(app.UsageError, match=f"--max_spikes with .*={neuron}"):
        neuron_flags.conversion_options(values)


@pytest.mark.parametrize("number", [0, 256])
def test_number_out_of_range(number):
    with pytest.raises(flags.IllegalFlagValueError, match="max_spikes"):
        parsed(f"--max_spikes={number}")
