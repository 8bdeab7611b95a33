"""Writes networks with a card, and where an interrupted run is kept."""

import hashlib
import json
import pathlib
import tempfile

import keras

from tfsnn.errors import ExportError


def check_output(path: pathlib.Path, *, overwrite: bool) -> None:
    """Refuses, before hours of training, what could not be written after it.

    Args:
        path: File to be written; its folder is made.
        overwrite: Whether the file and its card may be replaced.

    Raises:
        ExportError: If its name does not end in `.keras`, or the file or its
            card exists, or is a folder, or the folder cannot be made or
            written to.
    """
    for file in (path, path.with_suffix(".json")):
        if file.is_dir() or (file.exists() and not overwrite):
            raise ExportError(
                f"Received --output={path}, but '{file}' exists. Supported: a"
                " new file and card, or --overwrite to replace files. Choose"
                " another --output."
            )
    if path.suffix != ".keras":
        raise ExportError(
            f"Received --output={path}. Supported: names that end in .keras."
            " Choose another --output."
        )
    check_folder(path.parent, flag="output")


def check_folder(folder: pathlib.Path, *, flag: str) -> None:
    """Makes a folder, and refuses one that files cannot be written to.

    Args:
        folder: To be there.
        flag: That names it, or a file in it.

    Raises:
        ExportError: If it cannot be made or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        reason = "it is a file" if folder.is_file() else error.strerror
        raise ExportError(
            f"Received --{flag} in the folder '{folder}', which cannot be"
            f" written to: {reason}. Supported: folders that are there or can"
            f" be made, and written to. Choose another --{flag}."
        ) from error


def backup_folder(path: pathlib.Path, **run) -> pathlib.Path:
    """Where the state of an interrupted run is; another run has another.

    Args:
        path: File the run is to write.
        **run: What makes the run what it is, plain types.

    Returns:
        `PATH.backup-HASH`.
    """
    text = json.dumps(run, sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()
    return path.with_name(f"{path.name}.backup-{digest[:8]}")


def save_with_card(model: keras.Model, path: pathlib.Path, card: dict) -> None:
    """Writes `path` and its card beside it, each by rename."""
    temporary = path.with_name(f".{path.stem}.partial.keras")
    model.save(temporary)
    digest = hashlib.sha256(temporary.read_bytes()).hexdigest()
    card_path = path.with_suffix(".json")
    card_temporary = card_path.with_name(f".{card_path.name}.partial")
    card_temporary.write_text(json.dumps({**card, "sha256": digest}, indent=2))
    temporary.replace(path)
    card_temporary.replace(card_path)
