"""Counts where they suffice, folded where that is fast, else stepping."""

import keras
import pytest

from tests.support.spiking_networks import classifier, spiking
from tfsnn.conversion.timetable import FOLDED_ROWS, timetable
from tfsnn.errors import ConversionError
from tfsnn.evaluation.execution import (
    COUNTS_BATCH,
    STEPPING_BATCH,
    Plan,
    feature_map_bytes,
    folded_timesteps,
    plan,
    step_bytes,
)
from tfsnn.graph.trace import trace

PLENTY = 2**30
T = 4


def chosen(timesteps=T, lag=0, **options):
    graph = trace(spiking(classifier(), timesteps=timesteps, lag=lag))
    return plan(graph, timetable(graph), **options)


@pytest.fixture(scope="module")
def graph():
    return trace(spiking(classifier(), timesteps=T))


def test_largest_folded_moment(graph):
    # The first neuron: a current, and twice T steps of spikes.
    wanted = 4 * (4 * 4 * 4) * (1 + 2 * T)
    assert feature_map_bytes(graph, timetable(graph)) == wanted


def test_stepping_needs_states_and_one_step(graph):
    table = timetable(graph)
    # Of one step the stem takes most: the image, and twice its output.
    states = 4 * (4 * 4 * 4 + 2 * 2 * 5)
    one_step = feature_map_bytes(graph, table, folded=False)
    assert one_step == 4 * (6 * 6 * 2 + 2 * 4 * 4 * 4)
    assert step_bytes(graph, table) == 2 * states + one_step


CASES = {
    "rows": ({}, Plan("folded", FOLDED_ROWS // T)),
    "limit": (
        {"timesteps": folded_timesteps()},
        Plan("folded", FOLDED_ROWS // folded_timesteps()),
    ),
    "long": (
        {"timesteps": folded_timesteps() + 1},
        Plan("stepping", STEPPING_BATCH),
    ),
    "asked": ({"batch_size": 9}, Plan("folded", 9)),
    "little-memory": ({"memory_budget": 3 * 2304}, Plan("folded", 3)),
    "no-memory": ({"memory_budget": 1}, Plan("stepping", 1)),
    "some-memory": ({"memory_budget": 2000}, Plan("stepping", 1)),
    "asked-too-much": (
        {"memory_budget": 3 * 2304, "batch_size": 4},
        Plan("stepping", 4),
    ),
}


@pytest.mark.parametrize("options, wanted", CASES.values(), ids=CASES.keys())
def test_plan(options, wanted):
    assert chosen(**{"memory_budget": PLENTY, **options}) == wanted


COUNTS = {
    "few": ({}, COUNTS_BATCH),
    "long": ({"timesteps": 100_000}, COUNTS_BATCH),
    "asked": ({"batch_size": 9}, 9),
    # The image, and twice the output of the stem.
    "little-memory": ({"memory_budget": 3 * 800}, 3),
    "no-memory": ({"memory_budget": 1}, 1),
}


@pytest.mark.parametrize("options, batch_size", COUNTS.values(), ids=COUNTS)
def test_two_phase_networks_run_on_counts(options, batch_size):
    options = {"memory_budget": PLENTY, "timesteps": T, **options}
    got = chosen(lag=options["timesteps"], **options)
    assert got == Plan("counts", batch_size)


@pytest.mark.parametrize("lag", [0, T - 1])
def test_other_clocks_need_their_steps(lag):
    assert chosen(lag=lag, memory_budget=PLENTY).execution == "folded"


def of_any_size(timesteps, **options):
    image = keras.Input((None, None, 2))
    x = keras.layers.ReLU()(keras.layers.Conv2D(4, 3)(image))
    x = keras.layers.GlobalAveragePooling2D()(x)
    graph = trace(spiking(keras.Model(image, x), timesteps=timesteps))
    return plan(graph, timetable(graph), **options)


def test_unknown_axes_are_folded():
    wanted = Plan("folded", FOLDED_ROWS // 64)
    assert of_any_size(64, memory_budget=PLENTY) == wanted


@pytest.mark.parametrize(
    "timesteps, options",
    [
        pytest.param(FOLDED_ROWS + 1, {"memory_budget": PLENTY}, id="long"),
        pytest.param(4, {"memory_budget": 1}, id="no-memory"),
        pytest.param(
            4, {"memory_budget": 2000, "batch_size": 99}, id="asked-too-much"
        ),
    ],
)
def test_unknown_axes_cannot_be_stepped(timesteps, options):
    with pytest.raises(ConversionError, match="unknown axes and T="):
        of_any_size(timesteps, **options)
