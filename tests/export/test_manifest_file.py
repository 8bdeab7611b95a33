"""Manifests on disk."""

import json

import numpy as np
import pytest

from tfsnn.errors import ModelFileError
from tfsnn.export.manifest import digests, head
from tfsnn.export.manifest_file import (
    changed_files,
    check_intact,
    is_export,
    read_manifest,
    write_manifest,
)


@pytest.fixture
def export(tmp_path):
    """An export with one version and without TensorFlow."""
    version = tmp_path / "8"
    (version / "variables").mkdir(parents=True)
    (version / "saved_model.pb").write_bytes(b"graph")
    (version / "variables" / "data").write_bytes(b"weights")
    entry = {"version": 8, "files": digests(version)}
    write_manifest(
        version / "assets.extra" / "manifest.json", {**head("net"), **entry}
    )
    write_manifest(
        tmp_path / "manifest.json", {**head("net"), "models": [entry]}
    )
    return tmp_path


def test_of_the_export_folder(export):
    assert [m["version"] for m in read_manifest(export)["models"]] == [8]


@pytest.mark.parametrize("inside", ["8", "8/assets.extra/manifest.json"])
def test_of_one_version(export, inside):
    assert read_manifest(export / inside)["version"] == 8


def test_path_may_be_text(export):
    assert read_manifest(str(export)) == read_manifest(export)


def test_numpy_values_are_written_as_plain_ones(tmp_path):
    content = {**head("net"), "a": np.float32(0.5), "b": np.arange(2)}
    write_manifest(tmp_path / "manifest.json", content)
    read = read_manifest(tmp_path)
    assert (read["a"], read["b"]) == (0.5, [0, 1])


def test_refuses_to_write_what_is_not_plain(tmp_path):
    with pytest.raises(TypeError, match="received a object.*to_dict"):
        write_manifest(tmp_path / "manifest.json", {"a": object()})


def test_refuses_to_write_nan(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_manifest(tmp_path / "manifest.json", {"a": float("nan")})


@pytest.mark.parametrize("name", ["", "nothing/there"])
def test_refuses_a_folder_without(tmp_path, name):
    with pytest.raises(ModelFileError, match="holds no manifest.json.*export"):
        read_manifest(tmp_path / name)


@pytest.mark.parametrize("content", [b"{", b"\xff"], ids=["cut", "binary"])
def test_refuses_what_is_no_json(tmp_path, content):
    (tmp_path / "manifest.json").write_bytes(content)
    with pytest.raises(ModelFileError, match="cannot be read.*Export again"):
        read_manifest(tmp_path)
    assert not is_export(tmp_path)


@pytest.mark.parametrize("content", ["[]", "{}", '{"producer": "web"}'])
def test_refuses_the_manifest_of_another_program(tmp_path, content):
    (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(ModelFileError, match="another program's file"):
        read_manifest(tmp_path)
    assert not is_export(tmp_path)


def test_refuses_another_schema(tmp_path):
    content = json.dumps({"producer": "tfsnn", "schema_version": 99})
    (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(ModelFileError, match="schema_version 99. Supported: 2"):
        read_manifest(tmp_path)


def test_an_export_is_known_by_its_producer(export):
    assert is_export(export)


def test_a_version_folder_is_no_export(export):
    assert not is_export(export / "8")


def test_nothing_has_changed(export):
    assert changed_files(export) == []


def test_changed_missing_and_new_files_are_found(export):
    (export / "8" / "saved_model.pb").write_bytes(b"other")
    (export / "8" / "variables" / "data").unlink()
    (export / "8" / "variables" / "new").write_bytes(b"x")
    assert changed_files(export) == [
        "8/saved_model.pb",
        "8/variables/data",
        "8/variables/new",
    ]


def test_a_missing_version_is_found(export):
    (export / "8").rename(export / "9")
    assert changed_files(export) == [
        "8/assets.extra/manifest.json",
        "8/saved_model.pb",
        "8/variables/data",
    ]


def test_a_version_with_a_changed_manifest_is_found(export):
    file = export / "8" / "assets.extra" / "manifest.json"
    file.write_text(file.read_text().replace('"net"', '"nut"'))
    assert changed_files(export) == ["8/assets.extra/manifest.json"]


def test_one_version_is_compared_alone(export):
    assert changed_files(export / "8") == []
    (export / "8" / "saved_model.pb").write_bytes(b"other")
    assert changed_files(export / "8") == ["saved_model.pb"]


@pytest.mark.parametrize("inside", ["", "8"])
def test_a_changed_manifest_is_refused(export, inside):
    folder = export / inside
    file = next(
        x
        for x in (folder / "assets.extra", folder)
        if (x / "manifest.json").is_file()
    )
    text = (file / "manifest.json").read_text()
    (file / "manifest.json").write_text(text.replace('"net"', '"nut"'))
    with pytest.raises(ModelFileError, match="was changed after it was writ"):
        read_manifest(folder)


def test_layout_of_a_manifest_does_not_count(export):
    content = json.loads((export / "manifest.json").read_text())
    (export / "manifest.json").write_text(json.dumps(content))
    assert read_manifest(export) == content


def test_intact(export):
    check_intact(export)
    (export / "8" / "variables" / "data").unlink()
    with pytest.raises(ModelFileError, match="not as.*: 8/variables/data. Sup"):
        check_intact(export)
