import numpy as np
import pytest

from tfsnn.numerics.operations import Operations, synaptic_operations


def test_sum():
    total = Operations(1, 2, 3) + Operations(10, 20, 30)
    assert total == Operations(11, 22, 33)


@pytest.mark.parametrize("bad", [-1.0, np.nan, np.inf])
def test_counts_are_not_negative(bad):
    with pytest.raises(ValueError, match="`accumulates` holds"):
        Operations(0, bad, 0)


def test_spikes_times_connections(rng):
    spikes = rng.integers(0, 9, (3, 3, 2))
    fan_out = rng.integers(0, 9, (3, 3, 2))
    expected = sum(
        spikes[place] * fan_out[place] for place in np.ndindex(spikes.shape)
    )
    assert synaptic_operations(spikes, fan_out) == expected


def test_whole_numbers_stay_exact():
    # 2^30 spikes: float32 would lose the last one.
    spikes = np.array([2.0**30, 1.0])
    assert synaptic_operations(spikes, np.ones(2)) == 2**30 + 1


def test_shapes_have_to_agree():
    with pytest.raises(ValueError, match="`spikes` has shape"):
        synaptic_operations(np.ones((2, 3)), np.ones((3, 2)))


@pytest.mark.parametrize("name", ["spikes", "fan_out"])
def test_negative_numbers(name):
    values = {"spikes": np.ones(2), "fan_out": np.ones(2)}
    values[name] = -values[name]
    with pytest.raises(ValueError, match=f"`{name}` holds -1"):
        synaptic_operations(**values)
