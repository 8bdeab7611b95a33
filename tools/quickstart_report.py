"""What the quickstart prints."""

import dataclasses
import pathlib
from collections.abc import Callable
from typing import Any

from tfsnn_tools import tables

Say = Callable[[str], None]
COLUMNS = (
    "",
    "T",
    "latency",
    "accuracy",
    "as the ANN",
    "mean firing rate",
    "seconds",
)


@dataclasses.dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        name: `"ANN"` or the pipeline.
        evaluation: What `tfsnn.evaluate` returned.
    """

    name: str
    evaluation: Any

    def to_dict(self) -> dict[str, Any]:
        """Plain types."""
        return {"name": self.name, "evaluation": self.evaluation.to_dict()}


def narrator(*, silent: bool) -> Say:
    """A function that prints a line at once, or nothing.

    Args:
        silent: Whether to print nothing.

    Returns:
        A function of one text.
    """

    def say(text: str) -> None:
        if not silent:
            print(text, flush=True)

    return say


def cells(row: dict[str, Any]) -> tuple[str, ...]:
    """One line of the table.

    Args:
        row: A `Row` as plain types.

    Returns:
        Text for each of `COLUMNS`.
    """
    found = row["evaluation"]
    rate = found["mean_firing_rate"]
    clock = (found["timesteps"], found["latency_steps"])
    return (
        row["name"],
        *("-" if steps is None else str(steps) for steps in clock),
        tables.percent(found["accuracy"]),
        tables.percent(found["agreement"]),
        "-" if rate is None else f"{rate:.4f}",
        f"{found['seconds']:.1f}",
    )


def show(
    report: dict[str, Any],
    output: str,
    network: pathlib.Path,
    images: pathlib.Path,
) -> None:
    """Prints table, reloads and what to do next.

    Args:
        report: Content of report.json.
        output: Folder that was written.
        network: File of the network.
        images: File of the images.
    """
    tables.print_table(
        f"\n{report['network']}, {report['num_test_images']} test images",
        COLUMNS,
        [cells(row) for row in report["rows"]],
    )
    for reload in report["reloaded"]:
        same = "equal" if reload["equal"] else "NOT EQUAL"
        print(
            f"Reloaded without tfsnn, T = {reload['timesteps']}: logits of"
            f" {reload['batch_size']} images {same}, largest difference"
            f" {reload['max_difference']:g}"
        )
    print(
        f"\nWritten to {output} in {report['seconds']:.0f} s: report.json and"
        " one SavedModel per T in saved_model/"
    )
    print(
        "\nNext, the same on your own network and images:\n"
        "  tfsnn check MODEL.keras\n"
        "  tfsnn calibrate --model=MODEL.keras --data=dir:FOLDER"
        " --timesteps=8,16,32 --output=SPIKING\n"
        "  tfsnn evaluate --model=SPIKING/t16.keras --data=dir:TEST"
        " --reference=MODEL.keras\n"
        "  tfsnn export --model=SPIKING --output=EXPORT\n"
        "The files used here:\n"
        f"  --model={network}\n"
        f"  --data=npz:{images}:calibration (or :test)"
    )
