import pytest

from tfsnn.errors import ExportError
from tfsnn.export.versions import (
    label_of,
    next_revision,
    revision_of,
    version_folders,
    version_of,
)


def test_number_tells_revision_and_t():
    assert version_of(3, 16) == 300_016
    assert version_of(3) == 300_000
    assert revision_of(300_016) == 3
    assert label_of(16) == "t16"


def test_refuses_t_that_does_not_fit():
    with pytest.raises(ExportError, match="T=100000. Supported.*below 100000"):
        version_of(1, 100_000)


def test_folders_as_a_server_sees_them(tmp_path):
    for name in ("100008", "200004", ".partial-1", "notes"):
        (tmp_path / name).mkdir()
    (tmp_path / "300000").write_text("a file")
    assert list(version_folders(tmp_path)) == [100_008, 200_004]
    assert next_revision(tmp_path) == 3
    assert next_revision(tmp_path / "nothing") == 1
