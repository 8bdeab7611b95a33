"""The versions that a server offers, and how they change under it."""

import contextlib
import dataclasses
import logging
import pathlib
import threading
from collections.abc import Iterator

from tfsnn.errors import RequestError, TfsnnError
from tfsnn.export import read_manifest
from tfsnn.export.config_check import check_served

from .folder_state import folder_state
from .loaded_version import LoadedVersion
from .model_config import ModelConfig, read_model_config

_LOG = logging.getLogger(__name__)


@dataclasses.dataclass(eq=False)
class _Slot:
    """A version and how many requests use it."""

    version: LoadedVersion
    users: int = 0
    retired: bool = False


class ModelRepository:
    """Loads what `models.config` names; follows the file when it changes.

    New versions are loaded before any label moves, and a version that is no
    longer named is freed when its last request has been answered: no request
    fails because of a change.

    Attributes:
        folder: The export folder.
    """

    def __init__(self, folder: pathlib.Path):
        """Loads everything.

        Args:
            folder: The export folder.

        Raises:
            MissingExtraError: If the extra `serving` is not installed.
            ModelFileError: If the folder is no sound export.
            RequestError: If TensorFlow does not load a version.
        """
        self.folder = folder
        self._lock = threading.Lock()
        self._slots: dict[int, _Slot] = {}
        # What could not be followed; it is not tried again as it is.
        self._failed: tuple | None = None
        self._config = self._read()
        self._load(self._config)

    @property
    def config(self) -> ModelConfig:
        """What is served now."""
        return self._config

    def refresh(self) -> bool:
        """Looks at the configuration again.

        Returns:
            Whether something else is served now. What cannot be read or
            loaded is logged, once, and what was served stays, until
            models.config or the files of a version change.
        """
        state = folder_state(self.folder)
        if state == self._failed:
            return False
        try:
            config = self._read()
            changed = config != self._config
            if changed:
                self._load(config)
        except (OSError, TfsnnError) as error:
            _LOG.warning("models.config is not followed: %s", error)
            self._failed = state
            return False
        self._failed = None
        return changed

    def _load(self, config: ModelConfig) -> None:
        new = self._loaded(config)
        with self._lock:
            slots = {**self._slots, **new}
            self._slots = {n: slots[n] for n in config.versions}
            self._config = config
            retired = [slots[n] for n in slots.keys() - self._slots.keys()]
            for slot in retired:
                slot.retired = True
            idle = [slot for slot in retired if not slot.users]
        for slot in idle:
            slot.version.close()

    def _read(self) -> ModelConfig:
        """The configuration, if it agrees with the manifest."""
        config = read_model_config(self.folder)
        manifest = read_manifest(self.folder)
        check_served(config.versions, config.labels, manifest)
        return config

    def _loaded(self, config: ModelConfig) -> dict[int, _Slot]:
        """Versions that are not there yet; all of them, or none is kept."""
        new: dict[int, _Slot] = {}
        try:
            for number in config.versions:
                if number not in self._slots:
                    folder = self.folder / str(number)
                    version = LoadedVersion(folder, max_batch=config.max_batch)
                    new[number] = _Slot(version)
        except BaseException:
            for slot in new.values():
                slot.version.close()
            raise
        return new

    def check_name(self, name: str) -> None:
        """Refuses another model than that in the folder.

        Raises:
            RequestError: If it has another name.
        """
        if not name:
            raise RequestError("INVALID_ARGUMENT", "Missing ModelSpec")
        if name != self._config.name:
            raise RequestError(
                "NOT_FOUND",
                f"Servable not found for request: Latest({name}). Supported:"
                f" '{self._config.name}'.",
            )

    def number(self, version: int | None, label: str | None) -> int:
        """The version that a request means.

        Args:
            version: Its number, or None.
            label: Its label, or None; with neither, the highest.

        Returns:
            The number.

        Raises:
            RequestError: If there is none.
        """
        config = self._config
        if label is not None:
            if label not in config.labels:
                raise RequestError(
                    "INVALID_ARGUMENT",
                    f"Unrecognized servable version label: {label}. Supported:"
                    f" {', '.join(config.labels)}.",
                )
            return config.labels[label]
        if version is None:
            return max(config.versions)
        if version not in config.versions:
            raise RequestError(
                "NOT_FOUND",
                "Servable not found for request:"
                f" Specific({config.name}, {version}). Supported:"
                f" {', '.join(map(str, config.versions))}.",
            )
        return version

    @contextlib.contextmanager
    def using(
        self, name: str, version: int | None = None, label: str | None = None
    ) -> Iterator[LoadedVersion]:
        """Gives a version that stays loaded until it is given back.

        Args:
            name: Name of the model.
            version: See `number`.
            label: See `number`.

        Yields:
            The version.

        Raises:
            RequestError: If there is none.
        """
        with self._lock:
            self.check_name(name)
            slot = self._slots[self.number(version, label)]
            slot.users += 1
        try:
            yield slot.version
        finally:
            with self._lock:
                slot.users -= 1
                unused = slot.retired and not slot.users
            if unused:
                slot.version.close()
