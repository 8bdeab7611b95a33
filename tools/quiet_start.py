"""Starts TensorFlow without its notes, and knows the versions in use."""

import importlib
import importlib.metadata
import os
import platform
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

LEVEL = "TF_CPP_MIN_LOG_LEVEL"
STDERR = 2
PACKAGES = ("tfsnn", "tensorflow", "keras", "numpy")


def import_tensorflow() -> None:
    """Imports TensorFlow; drops what it writes to stderr while it starts.

    Its C++ code writes notes before it reads the log level. They reappear if
    the import fails; TF_CPP_MIN_LOG_LEVEL=0 lets everything through.
    """
    if "tensorflow" in sys.modules:
        return
    if os.environ.setdefault(LEVEL, "2") in ("0", "1"):
        return
    with _stderr_on_failure():
        tensorflow = importlib.import_module("tensorflow")
        tensorflow.config.list_logical_devices()  # The last notes.


@contextmanager
def _stderr_on_failure() -> Iterator[None]:
    """Holds back what the process, C++ included, writes to stderr."""
    try:
        saved = os.dup(STDERR)
    except OSError:  # It is closed.
        yield
        return
    with tempfile.TemporaryFile() as notes:
        os.dup2(notes.fileno(), STDERR)
        failed = True
        try:
            yield
            failed = False
        finally:
            os.dup2(saved, STDERR)
            os.close(saved)
            if failed:
                notes.seek(0)
                os.write(STDERR, notes.read())


def versions() -> dict[str, str]:
    """Versions of this project, its main dependencies and Python."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "not installed as a package"
    return {**found, "python": platform.python_version()}


def versions_text() -> str:
    """The same, for a person: one line each."""
    return "\n".join(f"{name} {text}" for name, text in versions().items())


def machine() -> str:
    """One line about this machine, for reports."""
    return f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}"
