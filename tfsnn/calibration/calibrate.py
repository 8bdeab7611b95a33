"""The public entry of the calibration."""

import dataclasses
import time
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from tfsnn.conversion import Conversion, convert
from tfsnn.conversion.lags import Lag, check_lag_names, lag_of, largest_lag
from tfsnn.inputs import input_shapes, take
from tfsnn.layers.timesteps import (
    check_kind_lag,
    check_kind_timesteps,
    checked_timesteps,
)

from .arguments import checked_whole
from .checkpoint import Checkpoint
from .identity import identity_of
from .images import MAX_IMAGES, CalibrationImages
from .memory import check_memory
from .pipeline import Pipeline
from .pipelines import light
from .record import lag_at
from .refusals import check_sizes, check_steps
from .result import CalibrationResult
from .search import Search
from .search_run import run_search
from .sweep import SweepConfig, sweep


def calibrate(
    conversion: Conversion | keras.Model,
    images: Any,
    *,
    timesteps: int | Sequence[int] = (8, 16, 32),
    pipeline: Pipeline | Search | None = None,
    config: SweepConfig | None = None,
    max_images: int = MAX_IMAGES,
    seed: int = 0,
) -> CalibrationResult:
    """Calibrates a network for one or several T from unlabelled images.

    Args:
        conversion: What `convert` returned, or a model to convert.
        images: About 1,024 images, preprocessed as for the source model:
            arrays, `tf.data.Dataset`, a representative-dataset callable,
            `keras.utils.PyDataset`; labels are dropped. For several inputs a
            tuple or list in the model's order, or a dict by their names.
        timesteps: Every T; each at least 1.
        pipeline: What to do; `light()` if None. A `Search`, as `best()`
            gives, tries several and keeps the best for each T.
        config: Lag, acceptance split, memory, checkpoint; defaults if None.
        max_images: Images used at most, 16 and more.
        seed: Seed of the sample and of the held-out split; the result is the
            same for the same seed, machine and data.

    Returns:
        A mapping from T to the spiking `keras.Model`.

    Raises:
        CheckpointError: If the checkpoint is of another calibration; names all
            differences.
        ConversionError: If the model does not convert.
        DataError: If the images do not fit; lists all problems. If activations
            and spikes would not fit into memory.
        ExportError: If the checkpoint cannot be written.
        TypeError: If the model, the pipeline or the config is none.
        ValueError: If a T is out of range or given twice, a lag exceeds every
            T or is of no neuron, another number is out of range, or the kind
            of neuron cannot have the T, the lag or a step of the pipeline, or
            a step needs images of one size.
    """
    every = _checked_list(timesteps)
    config = _checked_config(config, max(every))
    seed = checked_whole("seed", seed, low=0, default=0)
    pipeline = _checked_pipeline(pipeline)
    if not isinstance(conversion, Conversion):
        conversion = convert(conversion)
    check_lag_names(config.lag, conversion.neuron_names)
    check_steps(pipeline, conversion.config.kind)
    check_sizes(pipeline, conversion)
    lag = _checked_lag(config.lag, every, conversion)
    config = dataclasses.replace(config, lag=lag)
    data = CalibrationImages.from_any(
        images,
        input_shape=input_shapes(conversion.analog),
        max_images=max_images,
        seed=seed,
    )
    check_memory(conversion, len(data), every, config)
    start = time.monotonic()
    checkpoint = _opened(
        config,
        conversion,
        pipeline=pipeline,
        timesteps=every,
        digest=data.digest,
        seed=seed,
    )
    order = np.random.default_rng(seed).permutation(len(data))
    images = take(data.images, order)
    run = run_search if isinstance(pipeline, Search) else sweep
    parameters, steps, *trials = run(
        conversion, images, every, pipeline, config, checkpoint
    )
    earlier = checkpoint.earlier_seconds if checkpoint else 0.0
    return CalibrationResult(
        conversion=conversion,
        pipeline=pipeline,
        lag=lag,
        parameters=parameters,
        steps=tuple(steps),
        num_images=len(data),
        digest=data.digest,
        seed=seed,
        seconds=earlier + time.monotonic() - start,
        trials=tuple(trials[0]) if trials else (),
    )


def _checked_pipeline(pipeline: Pipeline | Search | None) -> Pipeline | Search:
    if pipeline is None:
        return light()
    if not isinstance(pipeline, Pipeline | Search):
        raise TypeError(
            f"pipeline is {pipeline!r}. Supported: a Pipeline, or None for the"
            " default. Call a function of tfsnn.pipelines, such as light()."
        )
    return pipeline


def _checked_config(config: SweepConfig | None, largest: int) -> SweepConfig:
    if config is None:
        return SweepConfig()
    if not isinstance(config, SweepConfig):
        raise TypeError(
            f"config is {config!r}. Supported: a SweepConfig, or None for the"
            " defaults. Pass for example tfsnn.SweepConfig(lag=8)."
        )
    if config.lag is not None and largest_lag(config.lag) > largest:
        raise ValueError(
            f"lag={config.lag} with T up to {largest}. Supported:"
            f" 0...{largest}; 0 is pipelined, and where it reaches T,"
            " two-phase. Use a smaller lag."
        )
    return config


def _checked_lag(
    lag: Lag | None, every: Sequence[int], conversion: Conversion
) -> Lag:
    """The lag that gives every T its own."""
    kind = conversion.config.kind
    lags = {T: lag_at(lag, T, kind) for T in every}
    for timesteps, of_all in lags.items():
        check_kind_timesteps(kind, timesteps)
        for name in conversion.neuron_names:
            check_kind_lag(kind, lag_of(of_all, name), timesteps)
    return max(lags.values()) if lag is None else lag


def _opened(
    config: SweepConfig, conversion: Conversion, **run: Any
) -> Checkpoint | None:
    if config.checkpoint is None:
        return None
    options = dataclasses.asdict(config)
    identity = identity_of(conversion, options=options, **run)
    return Checkpoint(config.checkpoint, identity)


def _checked_list(timesteps: int | Sequence[int]) -> list[int]:
    if isinstance(timesteps, str) or not np.iterable(timesteps):
        timesteps = [timesteps]
    timesteps = list(timesteps)
    every = [checked_timesteps(one) for one in timesteps]
    if not every or len(set(every)) != len(every):
        raise ValueError(
            f"timesteps={timesteps}. Supported: at least one T, each"
            " once. Pass for example timesteps=[8, 16, 32]."
        )
    return every
