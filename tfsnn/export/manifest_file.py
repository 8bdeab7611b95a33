"""Reads and writes the manifests of an export."""

import hashlib
import json
import os
import pathlib
from typing import Any

import numpy as np

from tfsnn.errors import ModelFileError

from .config_check import is_config_as_stated
from .manifest import EXTRA, MANIFEST, PRODUCER, SCHEMA_VERSION, digests
from .serving_files import CONFIG

DIGEST = "digest"


def write_manifest(path: pathlib.Path, content: dict[str, Any]) -> None:
    """Writes a manifest as indented JSON, with a digest of itself.

    Args:
        path: File to write; its folder is made.
        content: Plain types; NumPy numbers and arrays are taken too.

    Raises:
        TypeError: If something in it has no JSON form.
        ValueError: If a number is NaN or infinite.
    """
    text = json.dumps(content, allow_nan=False, default=_plain)
    content = json.loads(text)  # As it will be read.
    content[DIGEST] = _digest_of(content)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{json.dumps(content, indent=2)}\n", encoding="utf-8")


def _plain(value):
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    raise TypeError(
        f"A manifest received a {type(value).__name__}, which has no JSON form."
        " Supported: plain types, NumPy numbers and arrays. Convert it in"
        " to_dict()."
    )


def _digest_of(content: dict[str, Any]) -> str:
    """SHA-256 of everything else, in one spelling."""
    rest = {key: value for key, value in content.items() if key != DIGEST}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def read_manifest(path: str | os.PathLike) -> dict[str, Any]:
    """Reads the manifest of an export.

    Args:
        path: The export folder, one of its version folders, or the file.

    Returns:
        The manifest: of all versions (`"models"`, a list) for the export
        folder, of one model for a version folder.

    Raises:
        ModelFileError: If there is none, it cannot be read, it was changed
            after it was written, or another tfsnn wrote it.
    """
    path = pathlib.Path(path)
    candidates = [path / EXTRA / MANIFEST, path / MANIFEST, path]
    files = [file for file in candidates if file.is_file()]
    if not files:
        raise ModelFileError(
            f"'{path}' holds no {MANIFEST}. Supported: the folder that"
            " tfsnn.export_saved_model wrote, or a version folder in it. Check"
            " the path, or export again."
        )
    return _checked(_parsed(files[0]), files[0])


def _parsed(file: pathlib.Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelFileError(
            f"'{file}' cannot be read: {error}. Supported: the JSON that"
            " tfsnn.export_saved_model wrote. Export again."
        ) from error


def _checked(content: Any, file: pathlib.Path) -> dict[str, Any]:
    if not isinstance(content, dict) or content.get("producer") != PRODUCER:
        raise ModelFileError(
            f"'{file}' is another program's file: it does not name"
            f" '{PRODUCER}' as its producer. Supported: what"
            " tfsnn.export_saved_model wrote. Check the path."
        )
    version = content.get("schema_version")
    if version != SCHEMA_VERSION:
        raise ModelFileError(
            f"'{file}' has schema_version {version!r}. Supported:"
            f" {SCHEMA_VERSION}. Install the tfsnn that wrote it, or export"
            " again."
        )
    if content.get(DIGEST) != _digest_of(content):
        raise ModelFileError(
            f"'{file}' was changed after it was written: its content has not"
            f" the {DIGEST} that it states. Supported: a manifest as it was"
            " written. Restore it, or export again."
        )
    return content


def is_export(folder: pathlib.Path) -> bool:
    """Whether a folder is an export, of any schema version.

    Args:
        folder: An existing folder.

    Returns:
        Whether its own manifest names tfsnn as producer.
    """
    try:
        content = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and content.get("producer") == PRODUCER


def changed_files(path: str | os.PathLike) -> list[str]:
    """Compares the files of an export with the digests in its manifest.

    Args:
        path: The export folder, one of its version folders, or the manifest
            in one of them.

    Returns:
        `VERSION/FILE` of every file that changed, is missing or is new,
        and `models.config` if it has other versions or labels, sorted; empty:
        all as written.

    Raises:
        ModelFileError: If there is no readable manifest, or one was changed.
    """
    path = pathlib.Path(path)
    manifest = read_manifest(path)
    if path.is_file():
        inside = path.parent.name == EXTRA and "models" not in manifest
        path = path.parent.parent if inside else path.parent
    if "models" not in manifest:
        return sorted(_changed(path, manifest))
    changed = []
    if "labels" in manifest and not is_config_as_stated(path, manifest):
        changed.append(CONFIG)
    for model in manifest["models"]:
        version = str(model["version"])
        changed += [
            f"{version}/{name}" for name in _changed(path / version, model)
        ]
        if not _is_stated(path / version, model):
            changed.append(f"{version}/{EXTRA}/{MANIFEST}")
    return sorted(changed)


def _is_stated(folder: pathlib.Path, model: dict[str, Any]) -> bool:
    """Whether a version's own manifest says what that of all says of it."""
    try:
        content = read_manifest(folder)
    except ModelFileError:
        return False
    return all(content.get(name) == value for name, value in model.items())


def _changed(folder: pathlib.Path, model: dict[str, Any]) -> list[str]:
    there = digests(folder)
    wanted = model["files"]
    return [
        name
        for name in there.keys() | wanted.keys()
        if there.get(name) != wanted.get(name)
    ]


def check_intact(path: str | os.PathLike) -> None:
    """Refuses an export that is not as it was written.

    Args:
        path: The export folder, or one of its version folders.

    Raises:
        ModelFileError: If a file or a manifest was changed, is missing or new.
    """
    changed = changed_files(path)
    if changed:
        raise ModelFileError(
            f"Files in '{path}' are not as they were written:"
            f" {', '.join(changed)}. Supported: an export as it was written."
            " Restore them, or export again."
        )
