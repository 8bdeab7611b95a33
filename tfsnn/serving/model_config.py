"""Reads `models.config` and `batching.config` as TensorFlow Serving does."""

import dataclasses
import pathlib
import re

from google.protobuf import text_format

from tfsnn.errors import ModelFileError
from tfsnn.export.serving_files import BATCHING, CONFIG, MAX_BATCH

from .stubs import model_server_config

_MAX_BATCH = re.compile(r"max_batch_size\s*{\s*value\s*:\s*(\d+)\s*}")


@dataclasses.dataclass(frozen=True)
class ModelConfig:
    """What is to be served of one folder.

    Attributes:
        name: Name of the model.
        versions: What is to be loaded, ascending.
        labels: Label to version.
        max_batch: Most images in a request.
    """

    name: str
    versions: tuple[int, ...]
    labels: dict[str, int]
    max_batch: int


def read_model_config(folder: pathlib.Path) -> ModelConfig:
    """Reads the configuration in an export folder.

    The base path in it is where a container sees the folder, and is not
    looked at here.

    Args:
        folder: An export folder.

    Returns:
        The configuration.

    Raises:
        MissingExtraError: If the extra `serving` is not installed.
        ModelFileError: If there is none, or it is not of one model with
            stated versions.
    """
    text = _text(folder / CONFIG)
    message = model_server_config().ModelServerConfig()
    try:
        text_format.Parse(text, message)
    except text_format.ParseError as error:
        raise ModelFileError(
            f"'{folder / CONFIG}' cannot be read: {error}. Supported: a"
            " ModelServerConfig in text form. Export again."
        ) from error
    configs = message.model_config_list.config
    versions = [
        version
        for config in configs
        for version in config.model_version_policy.specific.versions
    ]
    if len(configs) != 1 or not versions:
        raise ModelFileError(
            f"'{folder / CONFIG}' names {len(configs)} models and"
            f" {len(versions)} versions. Supported: one model with a policy"
            " 'specific' and at least one version. Export again."
        )
    labels = configs[0].version_labels
    labels = dict(sorted(labels.items(), key=lambda item: item[1]))
    unknown = sorted(set(labels.values()) - set(versions))
    if unknown:
        raise ModelFileError(
            f"'{folder / CONFIG}' has labels for versions {unknown}, which are"
            f" not loaded. Supported: labels of {sorted(versions)}. Correct"
            " the file, or export again."
        )
    return ModelConfig(
        configs[0].name, tuple(sorted(versions)), labels, _max_batch(folder)
    )


def _max_batch(folder: pathlib.Path) -> int:
    if not (folder / BATCHING).is_file():
        return MAX_BATCH
    found = _MAX_BATCH.search(_text(folder / BATCHING))
    return int(found[1]) if found else MAX_BATCH


def _text(file: pathlib.Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        # The text of an OSError names the file once more.
        reason = getattr(error, "strerror", None) or error
        raise ModelFileError(
            f"'{file}' cannot be read: {reason}. Supported: the folder that"
            " tfsnn export wrote. Check the path, or export again."
        ) from error
