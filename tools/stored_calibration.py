"""What `tfsnn calibrate` wrote, read back."""

import dataclasses
import json
import pathlib
from collections.abc import Mapping
from typing import Any

import keras

import tfsnn
from tfsnn import baselines, calibration, layers
from tfsnn.conversion import latency_steps
from tfsnn.errors import DataError, ModelFileError
from tfsnn_tools import model_files
from tfsnn_tools.preprocessing import Preprocessing
from tfsnn_tools.recorded_preprocessing import FIELDS

RECORD = "calibration.json"
PROVENANCE = (
    "model",
    "model_sha256",
    "data",
    "preprocessing",
    FIELDS,
    "command",
)
"""What goes from the record into manifests, beside the calibration."""


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class StoredCalibration(tfsnn.CalibrationResult):
    """A `CalibrationResult` whose models come from files, parameters unread.

    Attributes:
        files: T to file.
        sizes: T, as text, to the bytes of each kind of parameter.
        latencies: T, as text, to the steps from image to output; empty in
            records from before they were written.
        provenance: What else is known of its making, see `PROVENANCE`.
    """

    files: Mapping[int, pathlib.Path] = dataclasses.field(default_factory=dict)
    sizes: Mapping[str, dict[str, int]] = dataclasses.field(
        default_factory=dict
    )
    latencies: Mapping[str, int] = dataclasses.field(default_factory=dict)
    provenance: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def latency_steps(self) -> dict[int, int]:
        """As written by `tfsnn calibrate`; else those of the models."""
        return {
            T: self.latencies.get(str(T)) or latency_steps(self[T])
            for T in self.timesteps
        }

    @property
    def parameter_bytes(self) -> dict[str, dict[str, int]]:
        """As written by `tfsnn calibrate`."""
        return {str(T): self.sizes[str(T)] for T in self.timesteps}

    def __getitem__(self, timesteps: int) -> keras.Model:
        """The spiking model for one T."""
        if timesteps not in self._models:
            self._models[timesteps] = model_files.load_keras_model(
                self.files[timesteps]
            )
        return self._models[timesteps]


def read(path: str | pathlib.Path) -> Mapping[int, keras.Model]:
    """Reads a folder that `tfsnn calibrate` wrote, or one of its models.

    Args:
        path: The folder, or a `.keras` file; of a file listed in a
            calibration.json beside it, that record is used.

    Returns:
        T to spiking model: a `StoredCalibration`, or a plain mapping where
        there is no record.

    Raises:
        ModelFileError: If it is no such folder or file, or one is missing.
    """
    path = pathlib.Path(path)
    if not path.is_dir():
        return _read_file(path)
    record = _read_record(path)
    if record is None:
        raise ModelFileError(
            f"Received the folder '{path}', which holds no {RECORD}."
            " Supported: folders written by tfsnn calibrate, or one .keras"
            " file. Check the path."
        )
    missing = [
        name for name in record["files"].values() if not (path / name).is_file()
    ]
    if missing:
        raise ModelFileError(
            f"Received the folder '{path}', in which {', '.join(missing)} of"
            f" its {RECORD} is missing. Supported: whole folders written by"
            " tfsnn calibrate. Calibrate again."
        )
    return _stored(record, path, record["timesteps"])


def _read_file(path: pathlib.Path) -> Mapping[int, keras.Model]:
    model = model_files.load_keras_model(path)
    timesteps = timesteps_of(model)
    if timesteps is None:
        raise ModelFileError(
            f"Received '{path}', which has no spiking layers. Supported:"
            " models written by tfsnn calibrate. Calibrate it first."
        )
    record = _read_record(path.parent) or {"files": {}}
    if record["files"].get(str(timesteps)) != path.name:
        return {timesteps: model}
    return _stored(record, path.parent, [timesteps])


def _stored(
    record: dict[str, Any], folder: pathlib.Path, timesteps: list[int]
) -> StoredCalibration:
    """The calibration a record describes, of some of its T."""
    config = tfsnn.ConversionConfig.from_dict(record["conversion"])
    steps = tuple(calibration.Step(**step) for step in record["steps"])
    return StoredCalibration(
        conversion=tfsnn.Conversion(None, config, float("nan")),
        pipeline=pipeline_of(record["pipeline"]),
        lag=record["lag"],
        parameters={T: {} for T in timesteps},
        steps=tuple(step for step in steps if step.timesteps in timesteps),
        num_images=record["num_images"],
        digest=record["digest"],
        seed=record["seed"],
        seconds=record["seconds"],
        trials=tuple(
            calibration.Trial(**trial)
            for trial in record["trials"]
            if trial["timesteps"] in timesteps
        ),
        sizes=record["parameter_bytes"],
        latencies=record.get("latency_steps", {}),
        files={T: folder / record["files"][str(T)] for T in timesteps},
        provenance={key: record[key] for key in PROVENANCE if key in record},
    )


def pipeline_of(values: dict[str, Any]) -> tfsnn.Pipeline | calibration.Search:
    """The inverse of `to_dict`.

    Args:
        values: Of a pipeline or a search.

    Returns:
        What they describe.

    Raises:
        AttributeError, KeyError, TypeError or ValueError: If this version of
            tfsnn has no such thing.
    """
    if "candidates" in values:
        return calibration.Search(
            values["name"],
            tuple(map(pipeline_of, values["candidates"])),
            tuple(values["costs"]),
            values["budget"],
        )
    return tfsnn.Pipeline(
        values["name"],
        tuple(map(_strategy, values["strategies"])),
        values["guarded"],
        tuple(map(_strategy, values["readout"])),
    )


def _strategy(values: dict[str, Any]) -> calibration.Strategy:
    """The inverse of `describe`."""
    arguments = {**values}
    name = arguments.pop("name")
    room = baselines if hasattr(baselines, name) else calibration
    return getattr(room, name)(**arguments)


def file_name(timesteps: int) -> str:
    """Name of the model file for one T: `t8.keras`."""
    return f"t{timesteps}.keras"


def timesteps_of(model: keras.Model) -> int | None:
    """T of a spiking model; None for other models."""
    for layer in model.layers:
        if isinstance(layer, layers.SpikingActivation):
            return layer.timesteps
    return None


def _read_record(folder: pathlib.Path) -> dict[str, Any] | None:
    path = folder / RECORD
    if not path.is_file():
        return None
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        _stored(record, folder, record["timesteps"])
        Preprocessing.from_dict(record.get(FIELDS, {}))
    except (
        AttributeError,
        DataError,
        KeyError,
        TypeError,
        ValueError,
    ) as error:
        raise ModelFileError(
            f"Received '{path}', which cannot be read"
            f" ({type(error).__name__}: {error}). Supported: what the same"
            " tfsnn wrote. Calibrate again."
        ) from error
    return record
