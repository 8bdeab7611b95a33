"""Whether models.config serves what the manifest says.

The base path in it is meant to be edited, and not looked at.
"""

import pathlib
import re
from collections.abc import Mapping
from typing import Any

from tfsnn.errors import ModelFileError

from .serving_files import CONFIG

_COMMENT = re.compile(r"#[^\n]*")
_VERSION = re.compile(r"\bversions\s*:\s*(\[[^\]]*\]|\d+)")
_LABEL = re.compile(
    r"\bversion_labels\s*:?\s*[{<]\s*key\s*:\s*[\"']([^\"']*)[\"']\s*[,;]?"
    r"\s*value\s*:\s*(\d+)"
)


def is_config_as_stated(
    folder: pathlib.Path, manifest: Mapping[str, Any]
) -> bool:
    """Whether versions and labels are those of the manifest.

    Args:
        folder: An export folder.
        manifest: Its manifest.

    Returns:
        Whether they are the same; False if the file cannot be read.
    """
    try:
        text = (folder / CONFIG).read_text(encoding="utf-8")
    except (OSError, ValueError):
        return False
    text = _COMMENT.sub("", text)
    versions = [
        int(number)
        for found in _VERSION.findall(text)
        for number in re.findall(r"\d+", found)
    ]
    labels = {key: int(value) for key, value in _LABEL.findall(text)}
    stated = [entry["version"] for entry in manifest["models"]]
    return sorted(versions) == sorted(stated) and labels == manifest["labels"]


def check_served(
    versions: tuple[int, ...],
    labels: Mapping[str, int],
    manifest: Mapping[str, Any],
) -> None:
    """Refuses what models.config names otherwise than the manifest does.

    An earlier revision is no contradiction: it is served until the labels
    have moved, and after somebody moved them back.

    Args:
        versions: In models.config.
        labels: In models.config, label to version.
        manifest: Of the export folder.

    Raises:
        ModelFileError: If a version is not in the manifest, or a label leads
            to a version of another label.
    """
    known = {entry["version"]: entry["label"] for entry in manifest["models"]}
    problems = [
        f"version {number}, which is not in the manifest"
        for number in versions
        if number not in known
    ]
    problems += [
        f"the label '{label}' for {number}, which is '{known[number]}'"
        for label, number in labels.items()
        if known.get(number, label) != label
    ]
    if problems:
        raise ModelFileError(
            f"{CONFIG} names {'; '.join(problems)}. Supported: versions and"
            " labels of manifest.json; base_path may be another. Restore it,"
            " or export again."
        )
