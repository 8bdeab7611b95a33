"""Prints what a spiking network costs, with the assumptions."""

from typing import Any

from tfsnn_tools import tables

LAYER_COLUMNS = (
    "layer",
    "MACs, ANN",
    "MACs, SNN",
    "additions, SNN",
    "neuron updates",
)
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
