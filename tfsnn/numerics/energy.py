"""Energy of counted arithmetic, from tables of published constants.

These are estimates of arithmetic alone, from constants of one chip process;
they say nothing of a chip that was not measured. What memory would take is
estimated apart, see `MemoryModel`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from tfsnn.numerics.checks import check_not_negative
from tfsnn.numerics.operations import Operations

PICO = 1e-12
_HOROWITZ = (
    "Horowitz, Computing's energy problem (and what we can do about it),"
    " ISSCC 2014, 45 nm, 0.9 V"
)


@dataclasses.dataclass(frozen=True)
class EnergyModel:
    """What operations cost.

    Attributes:
        name: What it is called in tables.
        mac: Joules of a multiply-accumulate.
        accumulate: Joules of an addition.
        neuron_update: Joules of the update of a potential.
        source: Where the constants are from.
    """

    name: str
    mac: float
    accumulate: float
    neuron_update: float
    source: str

    def __post_init__(self):
        """Checks the constants.

        Raises:
            ValueError: If one is negative, NaN or infinite.
        """
        for name in ("mac", "accumulate", "neuron_update"):
            check_not_negative(name, getattr(self, name))

    def joules(self, operations: Operations) -> float:
        """Energy of operations.

            E = mac * MACs + accumulate * ACs + neuron_update * updates

        Args:
            operations: Counts for one image.

        Returns:
            Joules an image.
        """
        return (
            self.mac * operations.macs
            + self.accumulate * operations.accumulates
            + self.neuron_update * operations.neuron_updates
        )


@dataclasses.dataclass(frozen=True)
class MemoryModel:
    """What words read and written cost, if nothing is ever used again.

    A MAC reads a weight and an activation; an addition reads a weight, and
    reads and writes a potential; so does the update of a potential, without
    the weight. Caches and registers save most of this: it is an upper end.

    Attributes:
        name: What it is called in tables.
        word: Joules of one 32-bit word.
        source: Where the constant is from.
    """

    name: str
    word: float
    source: str

    def joules(self, operations: Operations) -> float:
        """Energy of the words that operations read and write.

        Args:
            operations: Counts for one image.

        Returns:
            Joules an image.
        """
        return self.word * num_words(operations)


def num_words(operations: Operations) -> float:
    """Words that operations read and write, see `MemoryModel`.

    Args:
        operations: Counts for one image.

    Returns:
        Number of 32-bit words an image.
    """
    return (
        2 * operations.macs
        + 3 * operations.accumulates
        + 2 * operations.neuron_updates
    )


ENERGY_MODELS = (
    EnergyModel(
        "45 nm, float32",
        mac=4.6 * PICO,
        accumulate=0.9 * PICO,
        neuron_update=0.9 * PICO,
        source=f"{_HOROWITZ}: 0.9 pJ an addition, 3.7 pJ a multiplication, so"
        " 4.6 pJ a MAC; as used by Rathi and Roy, DIET-SNN, 2020,"
        " arXiv:2008.03658",
    ),
    EnergyModel(
        "45 nm, as the paper words it",
        mac=(4.6 + 0.9) * PICO,
        accumulate=0.9 * PICO,
        neuron_update=0.0,
        source="Li et al., A Free Lunch From ANN, ICML 2021, section 5.5: 0.9"
        " an addition, 4.6 a multiplication, so 5.5 a MAC; neurons are not"
        " counted. It prints J, read here as pJ",
    ),
    EnergyModel(
        "45 nm, int8",
        mac=0.23 * PICO,
        accumulate=0.03 * PICO,
        neuron_update=0.03 * PICO,
        source=f"{_HOROWITZ}: 0.03 pJ an addition, 0.2 pJ a multiplication;"
        " for networks that are quantised, to compare with",
    ),
    EnergyModel(
        "ROLLS against FPGA",
        mac=12.5 * PICO,
        accumulate=0.077 * PICO,
        neuron_update=0.0,
        source="77 fJ a synaptic operation of ROLLS (Qiao et al., Frontiers in"
        " Neuroscience 2015), 12.5 pJ an operation of an FPGA (Hu et al.,"
        " Spiking Deep Residual Networks, 2018, arXiv:1805.01352): two chips,"
        " so the ratio is mostly theirs",
    ),
)
"""The table; add your own rows and pass them to `energy_rows`."""

MEMORY_MODELS = (
    MemoryModel(
        "SRAM of 8 KB",
        word=5.0 * PICO,
        source=f"{_HOROWITZ}: 10 pJ for 64 bits",
    ),
    MemoryModel(
        "SRAM of 1 MB",
        word=50.0 * PICO,
        source=f"{_HOROWITZ}: 100 pJ for 64 bits",
    ),
)


def energy_rows(
    analog: Operations,
    spiking: Operations,
    models: Iterable[EnergyModel | MemoryModel] = ENERGY_MODELS,
) -> list[dict]:
    """Energy of both networks under each model.

    Args:
        analog: Counts of the analog network for one image.
        spiking: Counts of the spiking network for one image.
        models: Rows of a table of constants.

    Returns:
        One row a model, plain types: `model`, `analog_joules`,
        `spiking_joules`, `ratio` (spiking over analog; None if the latter
        costs nothing), `source`.
    """
    rows = []
    for model in models:
        before, after = model.joules(analog), model.joules(spiking)
        rows.append(
            {
                "model": model.name,
                "analog_joules": before,
                "spiking_joules": after,
                "ratio": after / before if before else None,
                "source": model.source,
            }
        )
    return rows
