"""Configuration for TensorFlow Serving, as text."""

import re
from collections.abc import Iterable, Mapping

from tfsnn.errors import ExportError

CONFIG, BATCHING = "models.config", "batching.config"
COMPOSE, README = "compose.yaml", "README.md"
MODELS = "/models"
"""Where the official image looks for models."""

MAX_BATCH = 64
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


def checked_name(name: str) -> str:
    """Refuses a name that cannot stand in an address.

    Raises:
        ExportError: If it has other characters than letters, digits and
            `_.-`, or does not start with a letter or digit.
    """
    if _NAME.fullmatch(name):
        return name
    raise ExportError(
        f"Received the name '{name}'. Supported: letters, digits, '_', '.' and"
        " '-', first a letter or digit, because it is part of the address."
        " Choose another name."
    )


def name_from(folder_name: str) -> str:
    """A name made from that of a folder."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", folder_name).lstrip("_.-") or "net"


def models_config(
    name: str,
    versions: Iterable[int],
    labels: Mapping[str, int],
    base_path: str | None = None,
) -> str:
    """What `--model_config_file` reads.

    The policy is `specific`, as by default only the highest version would be
    served. Where labels move to new versions, the versions of before have to
    be among `versions`: the server first loads the new ones, and moves a label
    at a later look at the file, when its version is available; until then it
    leads to the old one.

    Args:
        name: Name of the model.
        versions: What is to be loaded.
        labels: Label to version.
        base_path: Folder of the version folders as the server sees it; that
            in the official image if None.

    Returns:
        A ModelServerConfig in text form.
    """
    base_path = base_path or f"{MODELS}/{name}"
    lines = [
        "model_config_list {",
        "  config {",
        f'    name: "{name}"',
        f'    base_path: "{base_path}"',
        '    model_platform: "tensorflow"',
        "    model_version_policy {",
        "      specific {",
        *[f"        versions: {version}" for version in sorted(versions)],
        "      }",
        "    }",
        *[
            f'    version_labels {{ key: "{label}" value: {version} }}'
            for label, version in labels.items()
        ],
        "  }",
        "}",
    ]
    return "\n".join(lines) + "\n"


def batching_config() -> str:
    """What `--batching_parameters_file` reads.

    Batches are padded to sizes that are powers of two, so that few shapes
    occur. A request of more images than the largest is refused.
    """
    sizes = [2**n for n in range(MAX_BATCH.bit_length())]
    lines = [
        f"max_batch_size {{ value: {MAX_BATCH} }}",
        "batch_timeout_micros { value: 2000 }",
        "max_enqueued_batches { value: 128 }",
        *[f"allowed_batch_sizes: {size}" for size in sizes],
    ]
    return "\n".join(lines) + "\n"


def compose_file(name: str) -> str:
    """Starts the official image on the folder that holds this file."""
    inside = f"{MODELS}/{name}"
    return f"""\
# docker compose up: gRPC on port 8500, REST on port 8501.
services:
  {name}:
    image: tensorflow/serving:${{TF_SERVING_TAG:-latest}}
    command:
      - --model_config_file={inside}/{CONFIG}
      - --model_config_file_poll_wait_seconds=10
      - --allow_version_labels_for_unavailable_models=true
      - --enable_batching=true
      - --batching_parameters_file={inside}/{BATCHING}
    ports:
      - "8500:8500"
      - "8501:8501"
    volumes:
      - .:{inside}:ro
"""


def readme(
    name: str, labels: Mapping[str, int], signatures: Iterable[str]
) -> str:
    """What a person finds beside the models.

    Args:
        name: Name of the model.
        labels: Label to version.
        signatures: What the first of these versions answers to.

    Returns:
        Five lines.
    """
    flags = f"--model={name} --label={next(iter(labels))}"
    listed = ", ".join(f"{key} ({value})" for key, value in labels.items())
    return f"""\
# {name}: spiking network, exported by tfsnn
Labels (versions): {listed}; what each is: `manifest.json`, `tfsnn inspect .`
Start: `docker compose up`, or without Docker `tfsnn serve .` (development).
Ask: `tfsnn request {flags}{_asked(signatures)}`
Later revisions: `tfsnn export --revise`; labels move when they are loaded.
"""


def _asked(signatures: Iterable[str]) -> str:
    """What is sent: a file where the server decodes it, or an array.

    In a bundle every signature but the default one has a label before it.
    """
    names = [name for name in signatures if name.endswith("serialized")]
    if "serialized" in names:
        return " image.png"
    return f" --signature={names[0]} image.png" if names else " images.npy"
