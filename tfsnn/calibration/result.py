"""What a calibration gives back: one spiking model per T."""

import dataclasses
from collections.abc import Iterator, Mapping

import keras
import numpy as np

from tfsnn.conversion import Conversion
from tfsnn.conversion.lags import Lag
from tfsnn.types import NeuronParameters, Parameters, ReadoutParameters

from .latency import latency_of
from .pipeline import Pipeline
from .record import Step, Trial, lag_at
from .search import Search


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class CalibrationResult(Mapping):
    """A mapping from T to the calibrated spiking model.

    Attributes:
        conversion: What was calibrated.
        pipeline: How; a `Search` where several pipelines were tried.
        lag: Lag asked for; `lags` are those used.
        parameters: T to neuron name, and name of a calibrated read-out, to
            parameters.
        steps: What was tried, in order; of a search, by what was chosen.
        num_images: Calibration images, held-out ones included.
        digest: SHA-256 of the calibration images.
        seed: Seed of the split.
        seconds: Duration; of a resumed calibration also that of its earlier
            sessions, each up to the last segment it finished.
        trials: What a search tried; empty for one pipeline.
    """

    conversion: Conversion
    pipeline: Pipeline | Search
    lag: Lag
    parameters: Mapping[int, Mapping[str, Parameters]]
    steps: tuple[Step, ...]
    num_images: int
    digest: str
    seed: int
    seconds: float
    trials: tuple[Trial, ...] = ()

    def __post_init__(self):
        """Prepares the cache of models."""
        object.__setattr__(self, "_models", {})

    @property
    def timesteps(self) -> tuple[int, ...]:
        """Every T, in the order asked for."""
        return tuple(self.parameters)

    @property
    def lags(self) -> dict[int, Lag]:
        """T to the lag of its neurons with a temporal current, at most T."""
        kind = self.conversion.config.kind
        return {T: lag_at(self.lag, T, kind) for T in self.timesteps}

    @property
    def latency_steps(self) -> dict[int, int]:
        """T to the steps from image to output: T and the lags on the way."""
        return {
            T: latency_of(self.conversion, lag, T)
            for T, lag in self.lags.items()
        }

    @property
    def parameter_bytes(self) -> dict[str, dict[str, int]]:
        """T, as text, to the bytes of each kind of parameter."""
        return {
            str(T): parameter_bytes(values)
            for T, values in self.parameters.items()
        }

    def __getitem__(self, timesteps: int) -> keras.Model:
        """The spiking model for one T.

        Raises:
            KeyError: If that T was not calibrated.
        """
        if timesteps not in self.parameters:
            raise KeyError(
                f"T={timesteps} was not calibrated. Available:"
                f" {list(self.parameters)}. Calibrate with"
                f" timesteps=[{timesteps}]."
            )
        if timesteps not in self._models:
            self._models[timesteps] = self.conversion.spiking_model(
                timesteps,
                lag=self.lags[timesteps],
                parameters=self.parameters[timesteps],
            )
        return self._models[timesteps]

    def __repr__(self) -> str:
        """One line; `to_dict` has the whole record."""
        kept = sum(step.accepted for step in self.steps)
        return (
            f"{type(self).__name__}(pipeline={self.pipeline.name!r},"
            f" timesteps={list(self.timesteps)}, lag={self.lag},"
            f" num_images={self.num_images}, kept {kept} of"
            f" {len(self.steps)} steps, {self.seconds:.1f} s)"
        )

    def __contains__(self, timesteps: object) -> bool:
        """Whether a T was calibrated; builds no model."""
        return timesteps in self.parameters

    def __iter__(self) -> Iterator[int]:
        """Every T."""
        return iter(self.parameters)

    def __len__(self) -> int:
        """Number of T."""
        return len(self.parameters)

    def to_dict(self) -> dict:
        """Everything but arrays, plain types, for manifests and reports."""
        return {
            "pipeline": self.pipeline.to_dict(),
            "conversion": self.conversion.config.to_dict(),
            "timesteps": list(self.timesteps),
            "lag": self.lag,
            "lags": {str(T): lag for T, lag in self.lags.items()},
            "latency_steps": {
                str(T): steps for T, steps in self.latency_steps.items()
            },
            "num_images": self.num_images,
            "digest": self.digest,
            "seed": self.seed,
            "seconds": self.seconds,
            "steps": [step.to_dict() for step in self.steps],
            "trials": [trial.to_dict() for trial in self.trials],
            "parameter_bytes": self.parameter_bytes,
        }


def parameter_bytes(parameters: Mapping[str, Parameters]) -> dict:
    """Bytes of what a calibration sets, by kind (paper, section 5.4).

    Args:
        parameters: Neuron name to parameters, of one T.

    Returns:
        Name of the field to bytes; a kind that no neuron has takes 0.
    """
    kinds = (NeuronParameters, ReadoutParameters)
    every = [field.name for kind in kinds for field in dataclasses.fields(kind)]
    fields = list(dict.fromkeys(every))
    sizes = dict.fromkeys(fields, 0)
    for one in parameters.values():
        for name in fields:
            value = getattr(one, name, None)
            if isinstance(value, Mapping):
                arrays = [a for weights in value.values() for a in weights]
            else:
                arrays = [] if value is None else [value]
            sizes[name] += sum(np.asarray(array).nbytes for array in arrays)
    return sizes
