"""A folder of finished segments, so that a calibration can be interrupted.

The folder appears with the first finished segment. Every file is written beside
its place, then renamed; the name of a segment's file ends in the SHA-256 of its
content, so that a damaged one is known.
"""

import contextlib
import hashlib
import json
import os
import pathlib
import re
import time
from collections.abc import Mapping
from typing import Any

from tfsnn.errors import CheckpointError, ExportError

from .finished_segment import MALFORMED, FinishedSegment, decode, encode
from .identity import differences

IDENTITY = "identity.json"
PARTIAL = ".partial"
_LONGEST_NAME = 80


class Checkpoint:
    """The finished segments of one calibration on disk; for one process.

    Attributes:
        path: The folder.
        earlier_seconds: Duration of earlier sessions, up to the last segment
            each of them finished; with that of all parts.
        num_finished: Pairs of segment and T that need no calibration.
    """

    def __init__(self, path: str | os.PathLike, identity: Mapping[str, Any]):
        """Reads what is there, and clears what was half-written.

        Args:
            path: The folder; new, empty, or of a calibration with the same
                identity.
            identity: See `identity_of`.

        Raises:
            CheckpointError: If it belongs to another calibration, naming all
                differences, or holds other files.
        """
        self.path = pathlib.Path(path)
        self._identity = identity
        self._start = time.monotonic()
        self._finished: dict[tuple[str, int], FinishedSegment] = {}
        self._files: dict[tuple[str, int], pathlib.Path] = {}
        self._behind: set[int] = set()
        self._earlier_seconds = 0.0
        self._parts: list[Checkpoint] = []
        self._whole: Checkpoint | None = None
        if _is_used(self.path):
            _check_identity(self.path, identity)
            self._read()

    @property
    def num_finished(self) -> int:
        """See the class."""
        return len(self._finished)

    @property
    def earlier_seconds(self) -> float:
        """See the class."""
        parts = sum(part.earlier_seconds for part in self._parts)
        return self._earlier_seconds + parts

    def part(self, name: str) -> "Checkpoint":
        """A checkpoint inside this one, for one of several calibrations.

        Args:
            name: Name of its folder.

        Returns:
            A checkpoint with the same identity.

        Raises:
            CheckpointError: As for this one.
        """
        part = Checkpoint(self.path / name, self._identity)
        part._whole = self
        self._parts.append(part)
        return part

    def restore(self, segment: str, timesteps: int) -> FinishedSegment | None:
        """What was found for a segment, if it is finished.

        Segments are asked for in order. What comes after a missing one of the
        same T was calibrated on what that one emitted, and does not count.

        Args:
            segment: Name of the neuron layer.
            timesteps: T.

        Returns:
            The segment, or None.
        """
        finished = self._finished.get((segment, timesteps))
        if finished is None:
            self._behind.add(timesteps)
        return None if timesteps in self._behind else finished

    def save(self, finished: FinishedSegment) -> None:
        """Adds a finished segment.

        Args:
            finished: What was found.

        Raises:
            ExportError: If it cannot be written; what was there stays.
        """
        key = (finished.segment, finished.timesteps)
        seconds = self.earlier_seconds + time.monotonic() - self._start
        content = encode(finished, seconds)
        try:
            self._prepare()
            file = self.path / _file_name(*key, content)
            _write_whole(file, content)
            old = self._files.pop(key, file)
            if old != file:
                old.unlink(missing_ok=True)
        except OSError as error:
            raise ExportError(
                f"The checkpoint '{self.path}' cannot be written:"
                f" {os.strerror(error.errno) if error.errno else error}."
                f" The {self.num_finished} segments finished before are kept"
                " in it. Free some space or make it writable, and calibrate"
                " again with the same checkpoint."
            ) from error
        self._files[key], self._finished[key] = file, finished

    def _prepare(self):
        if self._whole is not None:
            self._whole._prepare()
        if (self.path / IDENTITY).is_file():
            return
        self.path.mkdir(parents=True, exist_ok=True)
        text = json.dumps(self._identity, indent=2)
        _write_whole(self.path / IDENTITY, f"{text}\n".encode())

    def _read(self):
        for stray in self.path.glob(f".*{PARTIAL}"):
            with contextlib.suppress(OSError):
                stray.unlink(missing_ok=True)
        for file in sorted(self.path.glob("*.npz")):
            with contextlib.suppress(OSError, *MALFORMED):
                self._take(file)

    def _take(self, file):
        """A damaged file is one that is not there."""
        content = file.read_bytes()
        if _digest(content) not in file.name:
            return
        finished, seconds = decode(content)
        key = (finished.segment, finished.timesteps)
        if file.name == _file_name(*key, content):
            self._finished[key], self._files[key] = finished, file
            self._earlier_seconds = max(self._earlier_seconds, seconds)


def _digest(content):
    return hashlib.sha256(content).hexdigest()


def _file_name(segment, timesteps, content):
    name = re.sub(r"[^A-Za-z0-9_-]", "_", segment)[:_LONGEST_NAME]
    return f"{name}-t{timesteps}-{_digest(content)}.npz"


def _is_used(path: pathlib.Path) -> bool:
    """Whether anything is there but a first file that was half-written."""
    if path.is_dir():
        return any(file != _partial(path / IDENTITY) for file in path.iterdir())
    return path.exists()


def _check_identity(path, identity):
    try:
        there = json.loads((path / IDENTITY).read_text(encoding="utf-8"))
        differing = differences(there, identity)
    except (OSError, ValueError, AttributeError) as error:
        raise CheckpointError(
            f"Received the checkpoint '{path}', which is no folder of a"
            f" calibration: its {IDENTITY} is missing or damaged. Supported: a"
            " new or empty folder, or one that a calibration wrote. Choose"
            " another one."
        ) from error
    if differing:
        raise CheckpointError(
            f"Received the checkpoint '{path}', which belongs to another"
            f" calibration. Different: {'; '.join(differing)}. Supported: what"
            " the calibration was started with. Pass the same again, or remove"
            " the folder to start anew."
        )


def _partial(path: pathlib.Path) -> pathlib.Path:
    return path.with_name(f".{path.name}{PARTIAL}")


def _write_whole(path: pathlib.Path, content: bytes) -> None:
    """Writes a file so that it is whole or not there, also after a crash."""
    partial = _partial(path)
    try:
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        raise
    if os.name == "posix":
        with contextlib.suppress(OSError):
            _sync_folder(path.parent)


def _sync_folder(folder):
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
