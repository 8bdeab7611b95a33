"""What the tables of a report show, for every rendering alike."""

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from tfsnn.numerics.error_parts import PARTS


@dataclasses.dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        key: Entry of a row.
        title: Head of the column.
        show: Value to text.
        hint: What it means, in a sentence.
    """

    key: str
    title: str
    show: Callable[[Any], str]
    hint: str = ""


@dataclasses.dataclass(frozen=True)
class Cell:
    """One cell.

    Attributes:
        text: What is shown.
        value: By which rows are sorted; None where there is none.
        is_number: Whether it is a number, or nothing.
    """

    text: str
    value: Any
    is_number: bool


def percent(share: float) -> str:
    """`93.40 %` for 0.934."""
    return f"{100 * share:.2f} %"


def whole(value: float) -> str:
    """`1,234` for 1234.2."""
    return f"{value:,.0f}"


def digits(value: float) -> str:
    """Four significant digits."""
    return f"{value:.4g}"


def micro(joules: float) -> str:
    """Joules as microjoules."""
    return f"{1e6 * joules:.4g}"


OVERVIEW = (
    Column("run", "run", str),
    Column("timesteps", "T", str, "Time steps."),
    Column("pipeline", "pipeline", str, "How it was calibrated."),
    Column("neuron", "neurons", str, "'if' is plain."),
    Column("lag", "lag", str, "Steps a layer waits; 0: pipelined."),
    Column("latency_steps", "latency", str, "Steps from image to output."),
    Column("accuracy", "accuracy", percent),
    Column("drop", "drop", percent, "Accuracy lost to the analog network."),
    Column("agreement", "agreement", percent, "Same class as the analog one."),
    Column("correlation", "correlation", digits, "Of the logits."),
    Column("mean_firing_rate", "rate", digits, "Spikes per step and neuron."),
    Column("spiking_joules", "energy (µJ)", micro, "Arithmetic, an image."),
    Column("energy_ratio", "of the ANN's", percent, "Energy, an estimate."),
    Column(
        "pareto",
        "front",
        lambda best: "yes" if best else "no",
        "No other beats it in accuracy, latency and energy at once.",
    ),
    Column("num_images", "images", whole),
)

LAYERS = (
    Column("name", "layer", str),
    Column("enters", "enters here", percent, "Of the error of the logits."),
    Column("error", "error", digits, "Squared, over the square; the sum of:"),
    *(Column(f"contributions.{part}", part, digits) for part in PARTS),
    Column("clipped", "clipped", percent, "Values above the largest output."),
    Column("norm", "norm", digits, "Of the error, over that of activations."),
    Column("bound", "Eq. 12", digits, "The bound of Lemma 4.1, likewise."),
    Column("firing_rate", "rate", digits, "Spikes per step and neuron."),
    Column("dead_channels", "dead", whole, "Channels without a spike."),
    Column("saturated_channels", "saturated", whole, "Channels always firing."),
    Column("num_channels", "channels", whole),
    Column("analog_macs", "MACs, ANN", whole),
    Column("macs", "MACs, SNN", whole),
    Column("accumulates", "additions, SNN", whole, "Because of spikes."),
    Column("neuron_updates", "updates", whole, "Of potentials."),
)

ENERGY = (
    Column("model", "constants", str),
    Column("analog_joules", "ANN (µJ)", micro),
    Column("spiking_joules", "SNN (µJ)", micro),
    Column("ratio", "SNN / ANN", digits),
    Column("source", "source", str),
)

STEPS = (
    Column("segment", "layer", str),
    Column("timesteps", "T", str),
    Column("strategy", "step", str),
    Column("error_before", "error before", digits),
    Column("error_after", "error after", digits, "The sum of its parts:"),
    *(Column(f"contributions.{part}", part, digits) for part in PARTS),
    Column("accepted", "kept", lambda kept: "yes" if kept else "no"),
    Column("seconds", "seconds", digits),
)


def used(columns: Sequence[Column], rows: Sequence[dict]) -> list[Column]:
    """Columns for which at least one row has a value.

    Args:
        columns: All columns.
        rows: Plain types.

    Returns:
        Those that are shown.
    """
    return [
        column
        for column in columns
        if any(value_of(row, column.key) is not None for row in rows)
    ]


def value_of(row: dict[str, Any], key: str) -> Any:
    """An entry of a row, of a nested one by a dot; None where there is none."""
    for part in key.split("."):
        row = row.get(part) if isinstance(row, dict) else None
    return row


def cells(columns: Iterable[Column], row: dict[str, Any]) -> list[Cell]:
    """The cells of one row.

    Args:
        columns: What is shown.
        row: Plain types.

    Returns:
        One cell a column; a dash where there is no value.
    """
    found = []
    for column in columns:
        value = value_of(row, column.key)
        text = "–" if value is None else column.show(value)
        is_number = isinstance(value, int | float | None)
        value = _sortable(value)
        found.append(Cell(text, value, is_number))
    return found


def _sortable(value):
    """A short form that sorts alike."""
    if isinstance(value, bool):
        return int(value)
    return float(f"{value:.6g}") if isinstance(value, float) else value
