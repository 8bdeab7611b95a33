"""Prints cost and errors of a spiking network, with the assumptions."""

from typing import Any

from tfsnn.numerics.error_parts import PARTS
from tfsnn_tools import tables

LAYER_COLUMNS = (
    "layer",
    "MACs, ANN",
    "MACs, SNN",
    "additions, SNN",
    "neuron updates",
)
ERROR_COLUMNS = (
    "layer",
    "enters",
    "error",
    "inherited",
    "corrected",
    "clipped",
    "rounded",
    "uneven",
)
"""`PARTS` in words that fit on a line."""
ENERGY_COLUMNS = ("constants", "ANN (uJ)", "SNN (uJ)", "SNN / ANN")


def layer_rows(cost: dict[str, Any]) -> list[tuple[str, ...]]:
    """One row a layer, and their sum.

    Args:
        cost: A `Cost` as plain types.

    Returns:
        Cells for `LAYER_COLUMNS`.
    """
    names = ("analog_macs", "macs", "accumulates", "neuron_updates")
    rows = [
        (row["name"], *(f"{row[name]:,.0f}" for name in names))
        for row in cost["layers"]
    ]
    totals = [sum(row[name] for row in cost["layers"]) for name in names]
    return [*rows, ("all", *(f"{total:,.0f}" for total in totals))]


def energy_rows(rows: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    """One row a table of constants.

    Args:
        rows: Of a `Cost` as plain types, its energy or memory.

    Returns:
        Cells for `ENERGY_COLUMNS`.
    """
    return [
        (
            row["model"],
            f"{1e6 * row['analog_joules']:.4g}",
            f"{1e6 * row['spiking_joules']:.4g}",
            "-" if row["ratio"] is None else f"{row['ratio']:.3f}",
        )
        for row in rows
    ]


def show(cost: dict[str, Any]) -> None:
    """Prints operations, energy, memory and what is assumed.

    Args:
        cost: A `Cost` as plain types.
    """
    tables.print_table(
        "Operations for one image", LAYER_COLUMNS, layer_rows(cost)
    )
    tables.print_table(
        "Energy of the arithmetic for one image, an estimate",
        ENERGY_COLUMNS,
        energy_rows(cost["energy"]),
    )
    tables.print_table(
        "Energy of memory for one image, a separate estimate, an upper end",
        ENERGY_COLUMNS,
        energy_rows(cost["memory"]),
    )
    print("Assumptions:")
    for text in cost["assumptions"]:
        print(f"- {text}")
    for row in (*cost["energy"], *cost["memory"]):
        print(f"- {row['model']}: {row['source']}.")


def error_rows(diagnosis: dict[str, Any]) -> list[tuple[str, ...]]:
    """One row a layer: what its error is made of.

    Args:
        diagnosis: A `Diagnosis` as plain types.

    Returns:
        Cells for `ERROR_COLUMNS`; the parts in percent of the error.
    """
    return [
        (
            layer["name"],
            f"{100 * layer['enters']:.1f} %",
            f"{layer['error']:.4f}",
            *(_share(layer, part) for part in PARTS),
        )
        for layer in diagnosis["layers"]
    ]


def _share(layer, part):
    if not layer["error"]:
        return "-"
    return f"{100 * layer['contributions'][part] / layer['error']:.1f} %"


def show_errors(diagnosis: dict[str, Any]) -> None:
    """Prints where the error comes from.

    Args:
        diagnosis: A `Diagnosis` as plain types.
    """
    tables.print_table(
        "Error of each layer, and the parts that add up to it",
        ERROR_COLUMNS,
        error_rows(diagnosis),
    )
    print(f"{diagnosis['explanation']}\n")
