import pytest

from tfsnn.numerics.energy import (
    ENERGY_MODELS,
    MEMORY_MODELS,
    EnergyModel,
    MemoryModel,
    energy_rows,
    num_words,
)
from tfsnn.numerics.operations import Operations

ANALOG = Operations(macs=1000)
SPIKING = Operations(macs=100, accumulates=500, neuron_updates=50)
FIRST, LITERAL = ENERGY_MODELS[:2]


def test_the_constants_of_45_nm():
    # Rathi and Roy: 0.9 pJ an addition, 3.7 pJ a multiplication.
    assert FIRST.mac == pytest.approx((3.7 + 0.9) * 1e-12)
    joules = (100 * 4.6 + 500 * 0.9 + 50 * 0.9) * 1e-12
    assert FIRST.joules(SPIKING) == pytest.approx(joules)
    assert FIRST.joules(ANALOG) == pytest.approx(1000 * 4.6e-12)


def test_the_words_of_the_paper():
    # A multiplication costs 4.6, so a MAC 5.5; neurons are not counted.
    assert LITERAL.joules(SPIKING) == pytest.approx(
        (100 * 5.5 + 500 * 0.9) * 1e-12
    )


def test_rows():
    mine = EnergyModel("mine", 2.0, 1.0, 0.5, "measured here")
    (row,) = energy_rows(ANALOG, SPIKING, [mine])
    assert row == {
        "model": "mine",
        "analog_joules": 2000.0,
        "spiking_joules": 725.0,
        "ratio": 725 / 2000,
        "source": "measured here",
    }


def test_nothing_to_compare_with():
    (row, *_) = energy_rows(Operations(), SPIKING)
    assert row["ratio"] is None


def test_memory_is_estimated_apart():
    words = 2 * 100 + 3 * 500 + 2 * 50
    assert num_words(SPIKING) == words
    assert MemoryModel("m", 2.0, "s").joules(SPIKING) == 2.0 * words


@pytest.mark.parametrize("model", [*ENERGY_MODELS, *MEMORY_MODELS])
def test_every_constant_is_cited(model):
    assert any(year in model.source for year in ("2014", "2015", "2021"))


@pytest.mark.parametrize("name", ["mac", "accumulate", "neuron_update"])
def test_constants_are_not_negative(name):
    values = {"mac": 1.0, "accumulate": 1.0, "neuron_update": 1.0, name: -1.0}
    with pytest.raises(ValueError, match=f"`{name}` holds -1"):
        EnergyModel("bad", **values, source="none")
