"""Offsets, latency, and models in which time does not run as it should."""

import keras
import pytest

from tests.support.spiking_networks import (
    classifier,
    residual_network,
    spiking,
    with_lags,
)
from tfsnn.conversion.timetable import latency_steps, timesteps_of, timetable
from tfsnn.errors import ConversionError
from tfsnn.graph.trace import trace
from tfsnn.layers import RepeatTime, SpikingActivation, TimeAverage

LONGEST_PATH = 4  # neurons behind the first one, which has no lag


@pytest.mark.parametrize("lag", [0, 1, 5])
def test_latency_is_the_longest_path(lag):
    model = spiking(residual_network(), lag=lag)
    assert latency_steps(model) == 5 + LONGEST_PATH * lag
    assert timesteps_of(model) == 5


def test_latency_of_different_lags():
    model = spiking(residual_network())
    lags = {"first": 1, "inner": 4, "block": 2, "strided": 0, "joined": 1}
    assert latency_steps(with_lags(model, lags)) == 5 + 1 + 4 + 2 + 1


def test_constants_are_no_steps():
    table = timetable(trace(spiking(residual_network())))
    kinds = [type(call.operation).__name__ for call in table.prelude]
    assert kinds == ["Conv2D", "RepeatTime"]
    assert [call.name for call in table.neurons][0] == "first"
    assert [call.name for call in table.finale] == ["shares"]


def test_only_the_faster_paths_wait():
    model = spiking(residual_network(), lag=2)
    table = timetable(trace(model))
    waits = sorted(delay for _, delay in table.delays.values())
    # `first` at the sum; `block`, behind the pooling, and `first`, behind its
    # slice, at the concatenation.
    assert waits == [2, 2, 6]


def network(build):
    image = keras.Input((3,))
    return keras.Model(image, build(image))


def neuron(**options):
    return SpikingActivation(4, **options)


def start():
    return neuron(temporal_input=False)


REFUSALS = {
    "no-neuron": (
        lambda x: TimeAverage(4)(RepeatTime(4)(x)),
        "0 SpikingActivation layers",
    ),
    "two-T": (
        lambda x: TimeAverage(8)(RepeatTime(2)(start()(x))),
        r"timesteps \[2, 4, 8\]",
    ),
    "no-readout": (lambda x: start()(x), "still carries time"),
    "constant-output": (
        lambda x: keras.layers.Dense(2)(x) if start()(x) is not None else x,
        "0 SpikingActivation layers",
    ),
    "output-still-in-time": (
        lambda x: [TimeAverage(4)(y := start()(x)), y],
        "Output .* still carries time",
    ),
    "time-after-time": (
        lambda x: TimeAverage(4)(start()(TimeAverage(4)(start()(x)))),
        "takes time averages back into time",
    ),
    "average-meets-time": (
        lambda x: TimeAverage(4)(
            keras.layers.Add()([y := start()(x), TimeAverage(4)(y)])
        ),
        "takes time averages back into time",
    ),
    "repeated-twice": (
        lambda x: TimeAverage(4)(RepeatTime(4)(start()(x))),
        "repeats a value that already carries time",
    ),
    "constant-neuron-in-time": (
        lambda x: TimeAverage(4)(start()(start()(x))),
        "temporal_input=False and a current that carries",
    ),
}


@pytest.mark.parametrize("build, text", REFUSALS.values(), ids=REFUSALS.keys())
def test_other_models_are_refused(build, text):
    with pytest.raises(ConversionError, match=text):
        timetable(trace(network(build)))


@pytest.mark.parametrize("ask", [timesteps_of, latency_steps])
def test_plain_networks_have_no_clock(ask):
    with pytest.raises(ConversionError, match="'classifier' has 0 Spiking"):
        ask(classifier())
