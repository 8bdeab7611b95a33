"""All or nothing."""

import errno
import os
import pathlib
import re
import shutil
import types

import pytest
import tensorflow as tf

from tfsnn.errors import DataError, ExportError
from tfsnn.export import new_folder as new_folder_module
from tfsnn.export.new_folder import (
    additions,
    check_new_folder,
    new_folder,
)

FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
TENSORFLOW_FULL = tf.errors.ResourceExhaustedError(
    None, None, "/x/part-0.tempstate; No space left on device [Op:SaveV2]"
)


def is_ours(folder):
    return (folder / "mark").is_file()


def write(path, text="new", error=None, **options):
    """Writes two files, with `error` between them."""
    with new_folder(path, is_ours=is_ours, **options) as folder:
        (folder / "mark").write_text(text)
        if error is not None:
            raise error
        (folder / "inner").mkdir()
        (folder / "inner" / "file").write_text(text)


def tree(folder):
    return sorted(str(x.relative_to(folder)) for x in folder.rglob("*"))


COMPLETE = ["out", "out/inner", "out/inner/file", "out/mark"]


def test_folder_appears_when_complete(tmp_path):
    with new_folder(tmp_path / "out", is_ours=is_ours) as folder:
        (folder / "file").write_text("x")
        assert not (tmp_path / "out").exists()
        assert folder.parent == tmp_path
        assert folder.name.startswith(f".out.partial-{os.getpid()}-")
    assert tree(tmp_path) == ["out", "out/file"]


def test_parents_are_made(tmp_path):
    write(tmp_path / "a" / "b" / "out")
    assert tree(tmp_path / "a" / "b") == COMPLETE


def test_permissions_are_those_of_any_folder(tmp_path):
    write(tmp_path / "out")
    (tmp_path / "other").mkdir()
    assert (tmp_path / "out").stat().st_mode == (
        (tmp_path / "other").stat().st_mode
    )


@pytest.mark.parametrize(
    "error",
    [FULL, KeyboardInterrupt(), DataError("x"), TypeError("x")],
    ids=repr,
)
def test_failure_leaves_nothing(tmp_path, error):
    expected = ExportError if isinstance(error, OSError) else type(error)
    with pytest.raises(expected):
        write(tmp_path / "a" / "out", error=error)
    assert tree(tmp_path) == []


def test_parents_of_others_are_left(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "a" / "b" / "out", error=KeyboardInterrupt())
    assert tree(tmp_path) == ["a"]


@pytest.mark.parametrize(
    "error", [FULL, TENSORFLOW_FULL], ids=["python", "tensorflow"]
)
def test_full_disk_is_told_with_free_and_needed_space(
    tmp_path, error, monkeypatch
):
    usage = types.SimpleNamespace(free=1_500_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)
    with pytest.raises(
        ExportError,
        match=r"disk is full: .*1\.5 MB were free, more than 3\.2 MB are needed"
        r".*Nothing was left behind",
    ):
        write(tmp_path / "out", error=error, needed_bytes=3_200_000)
    assert tree(tmp_path) == []


def test_full_disk_of_unknown_size(tmp_path, monkeypatch):
    def unknown(folder):
        raise OSError(errno.ENOSYS, "no such call")

    monkeypatch.setattr(shutil, "disk_usage", unknown)
    with pytest.raises(ExportError, match="out' was not written. Nothing"):
        write(tmp_path / "out", error=FULL)


def test_other_errors_of_tensorflow_are_told(tmp_path):
    error = tf.errors.PermissionDeniedError(None, None, "not yours")
    with pytest.raises(ExportError, match="cannot be written: not yours"):
        write(tmp_path / "out", error=error)


def test_parent_that_may_not_be_written(tmp_path, monkeypatch):
    def refuse(self, *arguments, **options):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(pathlib.Path, "mkdir", refuse)
    with pytest.raises(ExportError, match="cannot be written: Permission"):
        write(tmp_path / "out")


def test_parent_that_may_not_be_looked_into(tmp_path, monkeypatch):
    def refuse(self, *arguments, **options):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(pathlib.Path, "exists", refuse)
    with pytest.raises(ExportError, match="cannot be written: Permission"):
        write(tmp_path / "out")


def test_parent_that_is_a_file(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(
        ExportError, match="cannot be written: (File exists|Not a)"
    ):
        write(tmp_path / "file" / "out")
    assert tree(tmp_path) == ["file"]


@pytest.mark.parametrize("overwrite", [False, True])
def test_refuses_a_file(tmp_path, overwrite):
    (tmp_path / "out").write_text("x")
    with pytest.raises(ExportError, match="out' is a file.*Choose another"):
        write(tmp_path / "out", overwrite=overwrite)
    assert (tmp_path / "out").read_text() == "x"


def test_refuses_an_existing_folder(tmp_path):
    write(tmp_path / "out", "old")
    with pytest.raises(ExportError, match="out' exists.*overwrite=True"):
        write(tmp_path / "out")
    assert (tmp_path / "out" / "mark").read_text() == "old"


def test_never_replaces_what_is_not_ours(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("x")
    with pytest.raises(ExportError, match="no earlier export"):
        write(tmp_path / "out", overwrite=True)
    assert tree(tmp_path) == ["out", "out/thesis.tex"]


def test_check_writes_nothing(tmp_path):
    path = check_new_folder(
        tmp_path / "a" / "out", overwrite=False, is_ours=is_ours
    )
    assert path == (tmp_path / "a" / "out").resolve()
    assert tree(tmp_path) == []


@pytest.mark.parametrize("old", ["ours", "empty"])
def test_overwrite_replaces_the_whole(tmp_path, old):
    (tmp_path / "out").mkdir()
    if old == "ours":
        (tmp_path / "out" / "mark").write_text("old")
        (tmp_path / "out" / "stale").write_text("old")
    write(tmp_path / "out", overwrite=True)
    assert tree(tmp_path) == COMPLETE
    assert (tmp_path / "out" / "mark").read_text() == "new"


def test_overwrite_follows_a_link(tmp_path):
    write(tmp_path / "real", "old")
    (tmp_path / "out").symlink_to(tmp_path / "real")
    write(tmp_path / "out", overwrite=True)
    assert (tmp_path / "out").is_symlink()
    assert (tmp_path / "real" / "mark").read_text() == "new"


@pytest.mark.parametrize("error", [FULL, KeyboardInterrupt()], ids=repr)
def test_overwrite_keeps_the_old_one_on_failure(tmp_path, error):
    write(tmp_path / "out", "old")
    with pytest.raises((ExportError, KeyboardInterrupt)):
        write(tmp_path / "out", error=error, overwrite=True)
    assert tree(tmp_path) == COMPLETE
    assert (tmp_path / "out" / "mark").read_text() == "old"


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("number", [1, 2], ids=["old aside", "new in"])
@pytest.mark.parametrize("error", [FULL, KeyboardInterrupt()], ids=repr)
def test_trouble_between_the_renames(
    tmp_path, monkeypatch, number, after, error
):
    """One of the two, whole, is there at any moment."""
    write(tmp_path / "out", "old")
    monkeypatch.setattr(new_folder_module, "exchange", lambda one, other: False)
    rename, calls = pathlib.Path.rename, []

    def troubled(self, target):
        calls.append(target)
        if len(calls) != number:
            return rename(self, target)
        if after:
            rename(self, target)
        raise error

    monkeypatch.setattr(pathlib.Path, "rename", troubled)
    with pytest.raises((ExportError, KeyboardInterrupt)):
        write(tmp_path / "out", overwrite=True)
    assert tree(tmp_path) == COMPLETE
    wanted = "new" if (number, after) == (2, True) else "old"
    assert (tmp_path / "out" / "inner" / "file").read_text() == wanted


def test_a_folder_that_appears_meanwhile_is_kept(tmp_path):
    with (
        pytest.raises(ExportError, match="out' exists"),
        new_folder(tmp_path / "out", is_ours=is_ours) as folder,
    ):
        (folder / "file").write_text("x")
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "theirs").write_text("x")
    assert tree(tmp_path) == ["out", "out/theirs"]


def test_everything_is_synced_before_the_rename(tmp_path, monkeypatch):
    synced = []

    def sync(descriptor):
        name = str(pathlib.Path(f"/proc/self/fd/{descriptor}").readlink())
        synced.append(re.sub(r".*\.partial-[^/]*", "partial", name))

    if not pathlib.Path("/proc/self/fd").exists():
        pytest.skip("names of open files are not to be had here")
    monkeypatch.setattr(os, "fsync", sync)
    write(tmp_path / "out")
    assert synced == [
        "partial/inner",
        "partial/inner/file",
        "partial/mark",
        "partial",
        str(tmp_path.resolve()),
    ]


def test_overwrite_without_an_exchange(tmp_path, monkeypatch):
    monkeypatch.setattr(new_folder_module, "exchange", lambda one, other: False)
    write(tmp_path / "out", "old")
    write(tmp_path / "out", overwrite=True)
    assert tree(tmp_path) == COMPLETE
    assert (tmp_path / "out" / "mark").read_text() == "new"


def move_into(path):
    def move(partial):
        for child in partial.iterdir():
            child.rename(path / child.name)

    return move


def test_additions_are_moved_when_complete(tmp_path):
    (tmp_path / "there").write_text("x")
    with additions(tmp_path, move_into(tmp_path)) as folder:
        (folder / "new").write_text("x")
        assert folder.name.startswith(f".partial-{os.getpid()}-")
        assert not (tmp_path / "new").exists()
    assert tree(tmp_path) == ["new", "there"]


@pytest.mark.parametrize("error", [FULL, KeyboardInterrupt()], ids=repr)
def test_failed_additions_leave_nothing(tmp_path, error):
    expected = ExportError if isinstance(error, OSError) else type(error)
    with (
        pytest.raises(expected),
        additions(tmp_path, move_into(tmp_path)) as folder,
    ):
        (folder / "new").write_text("x")
        raise error
    assert tree(tmp_path) == []
