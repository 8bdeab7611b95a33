"""Puts versions into an export folder, so that a server always finds a whole.

A new folder is filled beside its place and renamed. A revision goes into a
folder that a server may be reading: first the new version folders, each by a
rename, under numbers that nothing names yet; then, each by a replacement, the
files that describe them, last the one that the server follows. Killed at any
byte, the folder still serves what it served before.
"""

import contextlib
import dataclasses
import os
import pathlib
import shutil
from collections.abc import Iterator
from typing import Any

import tensorflow as tf

from tfsnn.errors import ExportError
from tfsnn.progress import progress_bar

from .canonical import canonical_bytes
from .manifest import EXTRA, MANIFEST, digests, head, total_bytes
from .manifest_file import is_export, read_manifest, write_manifest
from .new_folder import additions, check_new_folder, new_folder
from .serving_files import (
    BATCHING,
    COMPOSE,
    CONFIG,
    README,
    batching_config,
    checked_name,
    compose_file,
    models_config,
    name_from,
    readme,
)
from .signatures import Concrete
from .versions import next_revision, version_folders
from .warmup import write_warmup
from .weight_pool import WeightPool


@dataclasses.dataclass(frozen=True, eq=False)
class Version:
    """What is saved under one version number.

    Attributes:
        number: The version.
        label: Its label.
        functions: Name of each signature to its function.
        pool: Holds every variable they read.
        entry: Its part of the manifest.
    """

    number: int
    label: str
    functions: dict[str, Concrete]
    pool: WeightPool
    entry: dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Place:
    """Where an export goes.

    Attributes:
        path: The export folder, absolute.
        name: Name of the network.
        revision: Of what is to be written.
        overwrite: Whether an earlier export is replaced as a whole.
        revise: Whether it gets a further revision.
    """

    path: pathlib.Path
    name: str
    revision: int
    overwrite: bool
    revise: bool


def find_place(
    path: str | os.PathLike, name: str | None, *, overwrite: bool, revise: bool
) -> Place:
    """Refuses a place where nothing may be written; writes nothing.

    Args:
        path: The export folder.
        name: Name of the network; if None that of the export to be revised,
            or the folder's.
        overwrite: Whether an earlier export may be replaced.
        revise: Whether an earlier export may get a further revision.

    Returns:
        The place.

    Raises:
        ExportError: If something is there that may not be replaced or
            revised, or the name does not fit.
        ModelFileError: If the export to be revised has no sound manifest.
    """
    if overwrite and revise:
        raise ExportError(
            "Received overwrite and revise. Supported: one of them. To replace"
            " an export as a whole, overwrite; to add a revision beside what a"
            " server is serving, revise."
        )
    target = pathlib.Path(path).resolve()
    exists = is_export(target) if target.is_dir() else False
    if not (revise and exists):
        target = check_new_folder(path, overwrite=overwrite, is_ours=is_export)
        revise = False
    else:
        known = read_manifest(target)["name"]
        if name not in (None, known):
            raise ExportError(
                f"Received the name '{name}' for a revision of '{known}' in"
                f" '{target}'. Supported: the same name. Leave it out, or"
                " export to another folder."
            )
        name = known
    name = name or name_from(target.name)
    return Place(
        target,
        checked_name(name),
        next_revision(target),
        overwrite,
        revise,
    )


def publish(
    place: Place, versions: list[Version], about: dict[str, Any]
) -> dict[str, Any]:
    """Writes versions and everything that describes them.

    Args:
        place: Where.
        versions: What is saved, all of one revision.
        about: Where it comes from, see `origin`.

    Returns:
        The manifest.

    Raises:
        ExportError: If writing fails; then an earlier export is as it was.
    """
    bar = progress_bar(
        len(versions), description="writing", unit="version", shown=None
    )
    with _folder(place, versions) as folder:
        with bar:
            for version in versions:
                _write_version(folder, place, version, about)
                bar.update(note=version.label)
        kept, labels = _previous(place) if place.revise else ([], {})
        labels |= {version.label: version.number for version in versions}
        _write_description(folder, place, [*kept, *versions], labels, about)
        return read_manifest(folder)


def _folder(place, versions):
    needed = sum(version.pool.num_bytes for version in versions)
    if place.revise:
        return _revised(place.path, needed)
    return new_folder(
        place.path,
        overwrite=place.overwrite,
        is_ours=is_export,
        needed_bytes=needed,
    )


@contextlib.contextmanager
def _revised(path: pathlib.Path, needed: int) -> Iterator[pathlib.Path]:
    """Gives a folder to fill; moves its content into an export."""

    def move(partial):
        for number, folder in version_folders(partial).items():
            folder.rename(path / str(number))
        files = [file for file in partial.iterdir() if file.is_file()]
        # What the server follows comes last.
        for file in sorted(files, key=lambda f: f.name == CONFIG):
            file.replace(path / file.name)

    with additions(path, move, needed_bytes=needed) as partial:
        yield partial
    listed = {x["version"] for x in read_manifest(path)["models"]}
    for number, folder in version_folders(path).items():
        if number not in listed:
            shutil.rmtree(folder, ignore_errors=True)


def _previous(place: Place) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """Entries that a server may be serving now, and the labels of them.

    Those of the latest revision, and older ones that a label still leads to
    because the latest had nothing for it.
    """
    manifest = read_manifest(place.path)
    labels = manifest["labels"]
    entries = [
        entry
        for entry in manifest["models"]
        if entry["revision"] == manifest["revision"]
        or entry["version"] in labels.values()
    ]
    return entries, dict(labels)


def _write_version(folder, place, version, about) -> None:
    inside = folder / str(version.number)
    _save(version, inside)
    entry = version.entry
    entry["warmup"] = write_warmup(inside, place.name, version.functions)
    entry["files"] = digests(inside)
    entry["num_bytes"] = total_bytes(inside)
    write_manifest(
        inside / EXTRA / MANIFEST, {**head(place.name), **entry, **about}
    )


def _write_description(folder, place, models, labels, about) -> None:
    """The manifest of all, and what TensorFlow Serving reads."""
    entries = [
        model.entry if isinstance(model, Version) else model for model in models
    ]
    content = {
        **head(place.name),
        "revision": place.revision,
        "labels": labels,
        "models": entries,
        **about,
    }
    write_manifest(folder / MANIFEST, content)
    config = models_config(
        place.name, [entry["version"] for entry in entries], labels
    )
    texts = {
        CONFIG: config,
        BATCHING: batching_config(),
        COMPOSE: compose_file(place.name),
        README: readme(place.name, labels, _signatures(entries, labels)),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")


def _signatures(entries, labels) -> list[str]:
    """Names of those of the version of the first label."""
    first = next(iter(labels.values()))
    (entry,) = [x for x in entries if x["version"] == first]
    return list(entry["signatures"])


def _save(version: Version, folder: pathlib.Path) -> None:
    """Writes one SavedModel, in bytes that depend on the model only."""
    module = tf.Module()
    module.weights = list(version.pool.variables)
    tf.saved_model.save(module, str(folder), signatures=version.functions)
    graph = folder / "saved_model.pb"
    graph.write_bytes(canonical_bytes(graph.read_bytes()))
    # It holds a random number, and the digest of the graph as it was; the
    # manifest has the digests. TensorFlow loads models without one.
    (folder / "fingerprint.pb").unlink(missing_ok=True)
