import pytest

from tfsnn.errors import ExportError
from tfsnn_tools import output_folder

MARKER = "record.json"


def write(path, text="new", **options):
    with output_folder.replaced_whole(path, marker=MARKER, **options) as new:
        (new / MARKER).write_text(text)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_folder_appears_whole(tmp_path):
    path = tmp_path / "a" / "b"
    with output_folder.replaced_whole(path, marker=MARKER) as new:
        (new / MARKER).write_text("x")
        assert not path.exists()
    assert (path / MARKER).read_text() == "x"
    assert names(path.parent) == ["b"]


def test_empty_folder_is_taken(tmp_path):
    path = tmp_path / "a"
    path.mkdir()
    write(path)
    assert names(path) == [MARKER]


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt])
def test_nothing_is_left_after_a_failure(tmp_path, kind):
    with (
        pytest.raises(kind),
        output_folder.replaced_whole(tmp_path / "a", marker=MARKER) as new,
    ):
        (new / "half").write_text("x")
        raise kind
    assert names(tmp_path) == []


def test_old_folder_survives_a_failure(tmp_path):
    write(tmp_path / "a", "old")
    with (
        pytest.raises(KeyboardInterrupt),
        output_folder.replaced_whole(
            tmp_path / "a", marker=MARKER, overwrite=True
        ),
    ):
        raise KeyboardInterrupt
    assert (tmp_path / "a" / MARKER).read_text() == "old"
    assert names(tmp_path) == ["a"]


def test_existing_folder_is_refused(tmp_path):
    write(tmp_path / "a", "old")
    with pytest.raises(ExportError, match="exists.*--overwrite"):
        write(tmp_path / "a")
    assert (tmp_path / "a" / MARKER).read_text() == "old"


def test_overwrite_replaces_the_whole_folder(tmp_path):
    write(tmp_path / "a", "old")
    (tmp_path / "a" / "stale").write_text("x")
    write(tmp_path / "a", "new", overwrite=True)
    assert (tmp_path / "a" / MARKER).read_text() == "new"
    assert names(tmp_path / "a") == [MARKER]
    assert names(tmp_path) == ["a"]


def test_foreign_folder_is_never_overwritten(tmp_path):
    (tmp_path / "mine").write_text("x")
    with pytest.raises(ExportError, match="holds no record.json"):
        write(tmp_path, overwrite=True)
    assert (tmp_path / "mine").read_text() == "x"


def test_file_is_refused(tmp_path):
    (tmp_path / "a").write_text("x")
    with pytest.raises(ExportError, match="is a file.*Choose another"):
        write(tmp_path / "a", overwrite=True)


def test_failure_to_write_is_an_export_error(tmp_path):
    with (
        pytest.raises(ExportError, match="cannot be written"),
        output_folder.replaced_whole(tmp_path / "a", marker=MARKER),
    ):
        raise PermissionError(13, "Permission denied")
    assert names(tmp_path) == []


def test_check_writes_nothing(tmp_path):
    output_folder.check(tmp_path / "a" / "b", marker=MARKER, overwrite=False)
    assert names(tmp_path) == []
