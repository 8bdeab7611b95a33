"""The cells of one of the paper's tables: what each is to be run with."""

import dataclasses
from collections.abc import Sequence

from tfsnn_tools.paper_tables import Row, Table

IMAGES = 1024
"""Calibration images; the paper's for thresholds and weights."""


@dataclasses.dataclass(frozen=True)
class Cell:
    """One figure of a table with one seed.

    Attributes:
        block: Title of the network and data set.
        network: Of the zoo.
        dataset: TFDS name.
        label: Name of the line.
        method: See `reproduction_methods`.
        batch_norm: Whether the network has batch norms.
        convert_ap: Whether average poolings get neurons.
        column: Name of the column.
        timesteps: T.
        images: Calibration images.
        seed: Decides which images calibrate.
        paper: The paper's mean, or mean and deviation; None: it has none.
        paper_analog: The paper's analog accuracy.
    """

    block: str
    network: str
    dataset: str
    label: str
    method: str
    batch_norm: bool
    convert_ap: bool
    column: str
    timesteps: int
    images: int
    seed: int
    paper: tuple[float, ...] | None
    paper_analog: float | None

    @property
    def model_key(self) -> str:
        """Name of the file with the trained network, without `.keras`."""
        return model_key(self.network, self.dataset, self.batch_norm)

    @property
    def line(self) -> tuple:
        """What cells of one line of a table share."""
        return (self.label, self.batch_norm, self.convert_ap)


def model_key(network: str, dataset: str, batch_norm: bool) -> str:
    """Name of the file with a trained network, without `.keras`."""
    return f"{network}_{dataset}{'' if batch_norm else '_nobn'}"


@dataclasses.dataclass(frozen=True)
class Selection:
    """Which part of a table, and what beyond it.

    Attributes:
        blocks: `NETWORK_DATASET` of the blocks; empty: all.
        methods: Methods of the lines; empty: all.
        also: Pipelines added as lines of their own to every block, for
            networks with batch norm and pooling as it is.
        timesteps: T in place of the paper's; empty: the paper's.
        seeds: Seeds; empty: 0 up to the paper's number.
        images: Calibration images where the table does not say; None: 1,024.
    """

    blocks: Sequence[str] = ()
    methods: Sequence[str] = ()
    also: Sequence[str] = ()
    timesteps: Sequence[int] = ()
    seeds: Sequence[int] = ()
    images: int | None = None


def block_keys(table: Table) -> list[str]:
    """Names of the blocks, as `Selection.blocks` takes them."""
    return [f"{block.network}_{block.dataset}" for block in table.blocks]


def methods_of(table: Table) -> list[str]:
    """Methods of the lines, each once."""
    rows = [row.method for block in table.blocks for row in block.rows]
    return list(dict.fromkeys(rows))


def cells(table: Table, selection: Selection) -> list[Cell]:
    """Every cell that is asked for, in the order of the table.

    Args:
        table: One of the paper's.
        selection: What of it.

    Returns:
        The cells; those of one network and method follow each other.
    """
    columns = _columns(table, selection)
    seeds = list(dict.fromkeys(selection.seeds or range(table.num_seeds)))
    found = []
    for block, key in zip(table.blocks, block_keys(table), strict=True):
        if selection.blocks and key not in selection.blocks:
            continue
        extra = [
            Row(name, name, True, False, None, {})
            for name in dict.fromkeys(selection.also)
        ]
        chosen = [
            row
            for row in block.rows
            if not selection.methods or row.method in selection.methods
        ]
        for row in [*chosen, *extra]:
            for column, settings in columns.items():
                images = settings.get("images", selection.images or IMAGES)
                found += [
                    Cell(
                        block.title,
                        block.network,
                        block.dataset,
                        row.label,
                        row.method,
                        row.batch_norm,
                        row.convert_ap,
                        column,
                        settings["timesteps"],
                        images,
                        seed,
                        row.figures.get(column),
                        row.analog,
                    )
                    for seed in seeds
                ]
    return found


def _columns(table: Table, selection: Selection) -> dict[str, dict[str, int]]:
    if not selection.timesteps:
        return table.columns
    names = {
        settings["timesteps"]: name for name, settings in table.columns.items()
    }
    if any("images" in settings for settings in table.columns.values()):
        return {  # The columns are numbers of images; T is the same for all.
            name: {**settings, "timesteps": selection.timesteps[0]}
            for name, settings in table.columns.items()
        }
    return {
        names.get(T, f"T={T}"): {"timesteps": T} for T in selection.timesteps
    }
