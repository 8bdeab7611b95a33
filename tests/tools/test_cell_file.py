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


@pytest.mark.parametrize(
    "content",
    [
        b'{"number": 0\n{"number": 1}\n3\n',
        b'\xff\xfe\n{"number": 1}\nnull\n\n',
        b'\0\0\n{"number": 1}\n[1]\n{"number": 2, "acc',
    ],
)
def test_lines_that_are_no_rows_are_named_and_left(path, content):
    path.write_bytes(content)
    with pytest.raises(ValueError, match="lines 1, 3 are no JSON object"):
        cell_file.finished_cells(path)
    assert path.read_bytes() == content


def test_blank_lines_are_left_out(path):
    path.write_text('\n{"number": 0}\n\n{"number": 1}\n\n')
    assert len(cell_file.finished_cells(path)) == 2


def test_one_damaged_line_that_ends_is_not_what_a_kill_leaves(path):
    path.write_text('{"number": 0}\n{"number": 1, "accu\n')
    with pytest.raises(ValueError, match="line 2 is no JSON object"):
        cell_file.finished_cells(path)


def test_the_last_row_with_the_key_is_found():
    rows = [{"a": 1, "x": 1}, {"a": 2, "x": 2}, {"a": 1, "x": 3}]
    assert cell_file.find({"a": 1}, rows) == {"a": 1, "x": 3}
    assert cell_file.find({"a": 3}, rows) is None
