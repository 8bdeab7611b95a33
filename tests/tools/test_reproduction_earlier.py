import dataclasses

from tfsnn_tools.paper_ablations import TABLES
from tfsnn_tools.reproduction_cells import Selection, cells
from tfsnn_tools.reproduction_earlier import earlier, notes

CELLS = cells(TABLES[9], Selection(methods=["opt"], seeds=[0, 1]))


def row(cell, **changes):
    return {
        **dataclasses.asdict(cell),
        "table": 9,
        "status": "done",
        "test_images": None,
        "data": "tfds:cifar10",
        "model_sha256": "abc",
        "tfsnn": "1",
        **changes,
    }


def test_what_was_asked_for_is_left_out():
    """With any seed: the figure is that of this run."""
    one, two, three, *_ = CELLS
    assert (one.column, one.seed) == (two.column, 1 - two.seed)
    rows = [row(one), row(two), row(three)]
    assert earlier(9, rows, [one]) == [(three, rows[2])]
    assert [cell for cell, _ in earlier(9, rows, [])] == [one, two, three]


def test_rows_that_are_no_figures_of_this_table():
    """Of another table, failed, or of a release with other fields."""
    cell = CELLS[0]
    old = row(cell)
    del old["convert_ap"]
    rows = [row(cell, table=4), row(cell, status="failed"), old, {"a": 1}]
    assert earlier(9, rows, []) == []
    assert notes([], [(cell, row(cell))]) == []


def test_seeds_of_other_settings_are_not_mixed():
    one, two, *_ = CELLS
    rows = [row(one), row(two, test_images=100)]
    assert earlier(9, rows, []) == [(two, rows[1])]
    assert notes(earlier(9, rows, []), [(one, None)]) == [
        "From earlier runs in this folder:",
        "",
        f"- {two.block}, T=32: 100 test images of tfds:cifar10, 1024 to"
        " calibrate, network abc, tfsnn 1",
    ]


def test_as_a_file_gives_rows_back():
    """The paper's figures as a list."""
    cell = next(x for x in CELLS if x.paper)
    found = row(cell, paper=list(cell.paper))
    assert earlier(9, [found], [])[0][0] == cell
