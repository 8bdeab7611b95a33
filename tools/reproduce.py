"""Makes one of the paper's tables, its figures beside ours.

Trained networks are looked for in --models as NETWORK_DATASET.keras and,
without batch norm, NETWORK_DATASET_nobn.keras. One cell is a figure with one
seed; finished cells are kept in OUTPUT/cells.jsonl, and a second run goes on
where the first one stopped and tries failed ones again.
"""

import dataclasses
import json
import pathlib
import sys

from absl import app, flags

from tfsnn_tools import (
    cell_file,
    command_line,
    distribution,
    network_files,
    paper_ablations,
    quiet_start,
    reproduction_cells,
    reproduction_cost,
    reproduction_files,
    reproduction_report,
    reproduction_run,
)

USAGE = (
    "tfsnn reproduce --table=N [--models=FOLDER] [--output=FOLDER] [--flags]"
)
NO_METHOD = "none"
TEST_SPLITS = {"imagenet2012": "validation"}


def define_flags() -> flags.FlagValues:
    """The flags of this command."""
    values = flags.FlagValues()
    options = {"flag_values": values}
    flags.DEFINE_integer("table", None, "Number, 2 to 9.", **options)
    flags.DEFINE_string("models", ".", "Folder of networks.", **options)
    flags.DEFINE_list(
        "model", [], "NETWORK_DATASET[_nobn]:FILE, in its place.", **options
    )
    flags.DEFINE_list("blocks", [], "NETWORK_DATASET; all.", **options)
    flags.DEFINE_list(
        "methods", [], "Methods; all. none: those of --also alone.", **options
    )
    flags.DEFINE_list(
        "also",
        [],
        "Pipelines and methods to add to each network, as fitted.",
        **options,
    )
    flags.DEFINE_list("timesteps", [], "T; by default the paper's.", **options)
    flags.DEFINE_list("seeds", [], "By default as many as there.", **options)
    flags.DEFINE_integer(
        "images", None, "Calibration images; 1,024.", 16, **options
    )
    flags.DEFINE_integer("test_images", None, "Test images; all.", 1, **options)
    flags.DEFINE_string(
        "data", None, "Data in place of the tables', as npz:FILE.", **options
    )
    flags.DEFINE_string("data_dir", None, "TFDS directory.", **options)
    flags.DEFINE_integer(
        "hybrid_epochs", 20, "Epochs of hybrid training.", 1, **options
    )
    flags.DEFINE_integer(
        "hybrid_images", None, "Images it trains on; all.", 1, **options
    )
    flags.DEFINE_integer(
        "weight_iterations",
        None,
        "Iterations a layer of the methods that train weights; their own, in"
        " the paper 5,000.",
        1,
        **options,
    )
    flags.DEFINE_string(
        "output", None, "Folder; by default table_N.", **options
    )
    flags.DEFINE_bool(
        "dry_run", False, "Say what it would cost; run nothing.", **options
    )
    flags.DEFINE_string(
        "ray_address",
        None,
        "Send cells to a Ray cluster, HOST:PORT, or to a local one: local.",
        **options,
    )
    return values


def jobs(
    options: flags.FlagValues, cells: list[reproduction_cells.Cell]
) -> list[reproduction_run.Job]:
    """What is to be run for each cell.

    Args:
        options: Parsed flags.
        cells: Of the table.

    Returns:
        One job a cell.
    """
    from tfsnn_tools import model_files
    from tfsnn_tools.reproduction_methods import trains_weights

    files = _files(options)
    digests = {}
    found = []
    for cell in cells:
        file = files.get(cell.model_key)
        if file is None:
            file = str(pathlib.Path(options.models) / f"{cell.model_key}.keras")
        if file not in digests:
            exists = pathlib.Path(file).is_file()
            digests[file] = model_files.sha256(file)[:12] if exists else None
        data = options.data or f"tfds:{cell.dataset}"
        key = {
            "table": options.table,
            **dataclasses.asdict(cell),
            "model_sha256": digests[file],
            "data": data,
            "test_images": options.test_images,
            "tfsnn": quiet_start.versions()["tfsnn"],
        }
        if cell.method == "hybrid":
            key["hybrid_epochs"] = options.hybrid_epochs
            key["hybrid_images"] = options.hybrid_images
        if trains_weights(cell.method):
            key["weight_iterations"] = options.weight_iterations
        # As a JSON file gives them back.
        key = json.loads(json.dumps(key))
        found.append(
            reproduction_run.Job(
                key,
                file,
                data,
                "test" if options.data else _test_split(cell.dataset),
                options.data_dir,
                options.hybrid_epochs,
                options.hybrid_images,
                options.weight_iterations,
            )
        )
    return found


def main(argv: list[str]) -> int:
    """Runs what is not finished, writes and prints the table."""
    options = define_flags()
    command_line.parse(argv, options, required=("table",))
    table = _table(options.table)
    _check_names(options, table)
    cells = reproduction_cells.cells(table, _selection(options, table))
    quiet_start.import_tensorflow()
    todo = jobs(options, cells)
    folder = pathlib.Path(options.output or f"table_{options.table}")
    path = folder / "cells.jsonl"
    left = _left(todo, cell_file.finished_cells(path))
    if options.dry_run:
        print(reproduction_cost.text(options.table, cells, todo, left))
        return 0
    network_files.check_folder(folder, flag="output")
    for number, (job, row) in enumerate(_run(options, left), start=1):
        row = {**row, "command": command_line.as_typed(argv)}
        cell_file.append(path, row)
        line = reproduction_report.progress(number, len(left), job.key, row)
        print(line, flush=True)
    rows = cell_file.finished_cells(path)
    results = [
        (cell, cell_file.find(job.key, rows))
        for cell, job in zip(cells, todo, strict=True)
    ]
    text = reproduction_files.write(folder, options.table, table, results, rows)
    print(f"\n{text}")
    done = [row["status"] == reproduction_run.DONE for _, row in results]
    return 0 if all(done) else 1


def _left(todo, earlier):
    """Jobs without a row that is done."""
    done = {"status": reproduction_run.DONE}
    return [
        job for job in todo if not cell_file.find({**job.key, **done}, earlier)
    ]


def _run(options, left):
    if options.ray_address is None:
        return distribution.run_here(reproduction_run.run, left)
    return distribution.run_with_ray(
        reproduction_run.run,
        [reproduction_run.with_whole_paths(job) for job in left],
        options.ray_address,
        lost=reproduction_run.lost,
    )


def _table(number: int):
    if number not in paper_ablations.TABLES:
        raise app.UsageError(
            f"Received --table={number}. Supported:"
            f" {', '.join(map(str, paper_ablations.TABLES))}."
        )
    return paper_ablations.TABLES[number]


def _check_names(options, table) -> None:
    """Refuses --model of a network that the table does not have."""
    everything = reproduction_cells.cells(table, reproduction_cells.Selection())
    known = list(dict.fromkeys(cell.model_key for cell in everything))
    unknown = sorted(set(_files(options)) - set(known))
    if unknown:
        raise app.UsageError(
            f"Received --model for {', '.join(unknown)}, which Table"
            f" {options.table} does not have. Supported: {', '.join(known)}."
        )


def _selection(options, table) -> reproduction_cells.Selection:
    from tfsnn_tools.pipeline_names import PIPELINES
    from tfsnn_tools.reproduction_methods import METHODS

    for name, known in (
        ("blocks", reproduction_cells.block_keys(table)),
        ("methods", [*reproduction_cells.methods_of(table), NO_METHOD]),
        ("also", list(dict.fromkeys([*PIPELINES, *METHODS]))),
    ):
        unknown = [value for value in options[name].value if value not in known]
        if unknown:
            raise app.UsageError(
                f"Received --{name}={','.join(options[name].value)}, of which"
                f" {', '.join(unknown)} is unknown. Supported:"
                f" {', '.join(known)}."
            )
    methods = options.methods
    if NO_METHOD in methods and (len(methods) > 1 or not options.also):
        raise app.UsageError(
            f"Received --methods={','.join(methods)} and"
            f" --also={','.join(options.also)}. Supported: none alone, with"
            " lines in --also."
        )
    counts_images = any("images" in x for x in table.columns.values())
    if counts_images and len(options.timesteps) > 1:
        raise app.UsageError(
            f"Received --timesteps={','.join(options.timesteps)} for Table"
            f" {options.table}, whose columns are numbers of images. Supported:"
            " one T."
        )
    return reproduction_cells.Selection(
        blocks=options.blocks,
        methods=options.methods,
        also=options.also,
        timesteps=command_line.whole_numbers(options, "timesteps", low=1),
        seeds=command_line.whole_numbers(options, "seeds", low=0),
        images=options.images,
    )


def _files(options) -> dict[str, str]:
    """Networks to the files that --model names."""
    pairs = [text.partition(":") for text in options.model]
    if not all(key and file for key, _, file in pairs):
        raise app.UsageError(
            f"Received --model={','.join(options.model)}. Supported:"
            " NETWORK_DATASET:FILE, as resnet20_wide_cifar10:net.keras."
        )
    return {key: file for key, _, file in pairs}


def _test_split(dataset: str) -> str:
    return TEST_SPLITS.get(dataset, "test")


if __name__ == "__main__":
    sys.exit(main(sys.argv))
