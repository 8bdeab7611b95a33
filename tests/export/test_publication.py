"""Revisions beside what a server serves; killed anywhere."""

import os
import pathlib
import re
import shutil

import pytest

from tfsnn.errors import ExportError, ModelFileError
from tfsnn.export import publication
from tfsnn.export.manifest_file import check_intact, read_manifest
from tfsnn.export.publication import Version, find_place, publish
from tfsnn.export.versions import label_of, version_of
from tfsnn.export.weight_pool import WeightPool

TIMESTEPS = (8, 16)


@pytest.fixture(autouse=True)
def without_tensorflow(monkeypatch):
    """A saved model is a file that tells its version."""

    def save(version, folder):
        (folder / "variables").mkdir(parents=True)
        (folder / "saved_model.pb").write_text(str(version.number))
        (folder / "variables" / "data").write_text("weights")

    monkeypatch.setattr(publication, "_save", save)
    # Reaching the disk takes long and is not what is tested.
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


def write(path, timesteps=TIMESTEPS, **options):
    place = find_place(
        path, None, **{"overwrite": False, "revise": False, **options}
    )
    versions = []
    for T in timesteps:
        number = version_of(place.revision, T)
        entry = {
            "version": number,
            "revision": place.revision,
            "signatures": {},
        }
        versions.append(Version(number, label_of(T), {}, WeightPool(), entry))
    return publish(place, versions, {})


def served(path):
    """Labels and versions that a server would load; all are intact."""
    config = (path / "models.config").read_text()
    versions = [int(x) for x in re.findall(r"versions: (\d+)", config)]
    labels = re.findall(r'key: "(\w+)" value: (\d+)', config)
    for version in versions:
        folder = path / str(version)
        assert (folder / "saved_model.pb").read_text() == str(version)
        check_intact(folder)
    labels = {label: int(version) for label, version in labels}
    assert set(labels.values()) <= set(versions)
    return labels, versions


FIRST = {"t8": 100_008, "t16": 100_016}
SECOND = {"t8": 200_008, "t16": 200_016}


def test_first_revision(tmp_path):
    manifest = write(tmp_path / "net")
    assert served(tmp_path / "net") == (FIRST, [100_008, 100_016])
    assert manifest["labels"] == FIRST
    assert manifest["revision"] == 1


def test_a_revision_moves_the_labels_and_keeps_the_versions_before(tmp_path):
    write(tmp_path / "net")
    manifest = write(tmp_path / "net", revise=True)
    both = [100_008, 100_016, 200_008, 200_016]
    assert served(tmp_path / "net") == (SECOND, both)
    assert [m["version"] for m in manifest["models"]] == both
    check_intact(tmp_path / "net")


def test_only_one_revision_before_is_kept(tmp_path):
    for revise in (False, True, True):
        write(tmp_path / "net", revise=revise)
    labels, versions = served(tmp_path / "net")
    assert versions == [200_008, 200_016, 300_008, 300_016]
    assert not (tmp_path / "net" / "100008").exists()


def test_labels_that_a_revision_lacks_stay(tmp_path):
    write(tmp_path / "net")
    for _ in range(2):
        manifest = write(tmp_path / "net", timesteps=(16,), revise=True)
    expected = {"t8": 100_008, "t16": 300_016}
    assert manifest["labels"] == expected
    assert served(tmp_path / "net") == (expected, [100_008, 200_016, 300_016])


def test_to_revise_what_is_not_there_is_to_write_it(tmp_path):
    write(tmp_path / "net", revise=True)
    assert served(tmp_path / "net")[0] == FIRST


def test_overwrite_raises_the_revision(tmp_path):
    write(tmp_path / "net")
    write(tmp_path / "net", overwrite=True)
    assert served(tmp_path / "net") == (SECOND, [200_008, 200_016])


class KilledError(BaseException):
    """Nothing is cleaned up after it."""


STEPS = {
    os: ("mkdir", "open", "fsync", "replace"),
    pathlib.Path: ("mkdir", "write_text", "rename", "replace", "open"),
}


def killed_at(step, monkeypatch):
    """Every operation on files after the n-th is as if it never came."""
    calls = []

    def guard(real):
        def operation(*arguments, **options):
            calls.append(real)
            if len(calls) > step:
                raise KilledError
            return real(*arguments, **options)

        return operation

    for owner, names in STEPS.items():
        for name in names:
            monkeypatch.setattr(owner, name, guard(getattr(owner, name)))
    monkeypatch.setattr(shutil, "rmtree", lambda *a, **k: calls.append(None))


@pytest.mark.parametrize("how", ["revise", "overwrite"])
def test_killed_anywhere_the_old_or_the_new_is_served(
    tmp_path, monkeypatch, how
):
    write(tmp_path / "first" / "net")
    seen = []
    for step in range(1000):
        folder = tmp_path / str(step)
        shutil.copytree(tmp_path / "first", folder)
        with monkeypatch.context() as patch:
            killed_at(step, patch)
            try:
                write(folder / "net", **{how: True})
                done = True
            except KilledError:
                done = False
        labels, versions = served(folder / "net")
        assert labels in (FIRST, SECOND)
        seen.append(labels["t8"])
        if how == "revise":
            write(folder / "net", revise=True)
            labels, versions = served(folder / "net")
            assert set(labels.values()) < set(versions)
            check_intact(folder / "net")
            there = {x.name for x in (folder / "net").iterdir() if x.is_dir()}
            kept = {name for name in there if not name.startswith(".partial")}
            assert kept == {str(version) for version in versions}
        shutil.rmtree(folder)
        if done:
            break
    assert done
    assert seen == sorted(seen)  # Old up to some step, then new.
    assert seen[0] == 100_008
    assert seen[-1] == 200_008
    assert len(seen) > 20


def test_refuses_both_at_once(tmp_path):
    with pytest.raises(ExportError, match="overwrite and revise. Supported"):
        write(tmp_path / "net", overwrite=True, revise=True)


def test_refuses_another_name(tmp_path):
    write(tmp_path / "net")
    with pytest.raises(ExportError, match="'nut' for a revision of 'net'"):
        find_place(tmp_path / "net", "nut", overwrite=False, revise=True)


def test_refuses_to_revise_what_was_tampered_with(tmp_path):
    write(tmp_path / "net")
    file = tmp_path / "net" / "manifest.json"
    file.write_text(file.read_text().replace("100008", "100009"))
    with pytest.raises(ModelFileError, match="was changed after"):
        write(tmp_path / "net", revise=True)
    assert read_manifest(tmp_path / "net" / "100008")["version"] == 100_008


@pytest.mark.parametrize("options", [{}, {"revise": True}], ids=str)
def test_refuses_a_folder_of_others(tmp_path, options):
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(ExportError, match="exists|no earlier export"):
        write(tmp_path, **options)
