import json

import pytest

from tfsnn_tools import cell_file


@pytest.fixture
def path(tmp_path):
    return tmp_path / "rows.jsonl"


def test_rows_come_back_in_order(path):
    assert cell_file.finished_cells(path) == []
    for number in range(3):
        cell_file.append(path, {"number": number})
    assert [r["number"] for r in cell_file.finished_cells(path)] == [0, 1, 2]


def test_a_row_that_was_cut_off_is_written_again(path):
    """As after a kill in the middle of writing."""
    cell_file.append(path, {"number": 0})
    with path.open("a") as file:
        file.write('{"number": 1, "accu')
    assert cell_file.finished_cells(path) == [{"number": 0}]
    cell_file.append(path, {"number": 1})
    assert cell_file.finished_cells(path) == [{"number": 0}, {"number": 1}]


def test_a_whole_row_without_its_newline_is_kept(path):
    path.write_text('{"number": 0}')
    cell_file.append(path, {"number": 1})
    assert len(cell_file.finished_cells(path)) == 2


def test_damage_in_the_middle_is_an_error(path):
    path.write_text('{"number": 0\n{"number": 1}\n')
    with pytest.raises(json.JSONDecodeError):
        cell_file.finished_cells(path)


def test_the_last_row_with_the_key_is_found():
    rows = [{"a": 1, "x": 1}, {"a": 2, "x": 2}, {"a": 1, "x": 3}]
    assert cell_file.find({"a": 1}, rows) == {"a": 1, "x": 3}
    assert cell_file.find({"a": 3}, rows) is None
