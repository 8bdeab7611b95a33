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
    one, two, three, *_ = CELLS
    assert (one.column, one.seed) == (two.column, 1 - two.seed)
    rows = [row(one), row(three)]
    assert earlier(9, rows, [(one, rows[0])]) == [(three, rows[1])]
    assert [cell for cell, _ in earlier(9, rows, [])] == [one, three]


def test_other_seeds_join_what_was_asked_for():
    """If all else is as it was; else the figure is that of this run."""
    one, two, *_ = CELLS
    rows = [row(two), row(one)]
    assert earlier(9, rows, [(one, rows[1])]) == [(two, rows[0])]
    failed = row(one, status="failed")
    assert earlier(9, rows, [(one, failed)]) == [(two, rows[0])]
    for changes in ({"test_images": 100}, {"weight_iterations": 500}):
        assert earlier(9, rows, [(one, row(one, **changes))]) == []
    assert earlier(9, rows, [(one, None)]) == []


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
        " calibrate, network abc, tfsnn 1 (Opt. without BN)",
    ]


def test_lines_of_one_column_are_told_apart():
    """By what they were measured with; the T of columns of images, too."""
    light = cells(TABLES[9], Selection(methods=["paper_light"], seeds=[0]))[0]
    opt = CELLS[0]
    assert light.column == opt.column
    before = [
        (opt, row(opt)),
        (light, row(light, weight_iterations=500)),
    ]
    text = (
        f"- {opt.block}, T=32: all test images of tfds:cifar10, 1024 to"
        " calibrate, network abc, tfsnn 1"
    )
    assert notes(before, [])[2:] == [
        f"{text} (Opt. without BN)",
        f"{text}, weight_iterations=500 (Light without BN)",
    ]
    samples = cells(TABLES[7], Selection(timesteps=[16], seeds=[0]))[0]
    assert ", 32: T=16, all test" in notes([(samples, row(samples))], [])[2]


def test_as_a_file_gives_rows_back():
    """The paper's figures as a list."""
    cell = next(x for x in CELLS if x.paper)
    found = row(cell, paper=list(cell.paper))
    assert earlier(9, [found], [])[0][0] == cell
