"""Runs one cell of a table, in this process or in a worker's."""

import functools
import pathlib
import re
import time
import traceback
from typing import Any, NamedTuple

import numpy as np

from tfsnn.errors import TfsnnError
from tfsnn_tools import quiet_start

DONE, FAILED = "done", "failed"


class Job(NamedTuple):
    """A cell and what it is run with; plain types, so that it travels.

    Attributes:
        key: What makes the cell what it is; the row holds it, too.
        file: Trained network.
        data: `tfds:NAME` or another source; calibrates on `train`.
        test_split: Split that is evaluated on.
        data_dir: TFDS directory.
        hybrid_epochs: Epochs of hybrid training.
        hybrid_images: Images it trains on; None: all.
        weight_iterations: Of the methods that train weights; None: theirs.
    """

    key: dict[str, Any]
    file: str
    data: str
    test_split: str
    data_dir: str | None
    hybrid_epochs: int
    hybrid_images: int | None
    weight_iterations: int | None = None


def run(job: Job) -> dict:
    """Runs one cell; a failure is a row, too.

    Args:
        job: See `Job`.

    Returns:
        The key, `status`, and the figures or the reason.
    """
    start = time.monotonic()
    try:
        figures = _figures(job)
    except Exception as error:  # Whatever it is, the other cells go on.
        return {
            **job.key,
            "status": FAILED,
            "reason": _reason(error),
            "traceback": traceback.format_exc().splitlines()[-20:],
            "seconds": time.monotonic() - start,
        }
    return {
        **job.key,
        "status": DONE,
        **figures,
        "seconds": time.monotonic() - start,
        "machine": quiet_start.machine(),
    }


def with_whole_paths(job: Job) -> Job:
    """A job that does not depend on the folder that it is run in.

    Args:
        job: See `Job`.

    Returns:
        The same with absolute paths; its key stays.
    """

    def whole(path: str) -> str:
        return str(pathlib.Path(path).absolute())

    scheme, _, rest = job.data.partition(":")
    is_path = rest and scheme != "tfds"
    return job._replace(
        file=whole(job.file),
        data=f"{scheme}:{whole(rest)}" if is_path else job.data,
        data_dir=None if job.data_dir is None else whole(job.data_dir),
    )


def lost(job: Job, error: Exception) -> dict:
    """The row of a cell that a cluster could not finish.

    Args:
        job: See `Job`.
        error: What the cluster says.

    Returns:
        The key, `status` and the reason.
    """
    reason = (
        f"Ray could not finish it: {type(error).__name__}: {_reason(error)} If"
        " its worker was lost, memory may not suffice for as many cells at once"
        " as the machine has processors. Run it without --ray-address to see"
        " what happens."
    )
    return {**job.key, "status": FAILED, "reason": reason}


PLACES = (
    "Graph execution error",
    "Detected at node",
    "Exception encountered when calling",
    'File "',
    "<stack traces unavailable>",
)
"""How TensorFlow and Keras begin lines that say where, not what."""
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def _reason(error: Exception) -> str:
    """One line; of reports about a graph the one that says what happened."""
    text = COLOURS.sub("", str(error))
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        return type(error).__name__
    if isinstance(error, TfsnnError):
        return " ".join(lines)
    if isinstance(error, KeyError):  # It says no more than the key.
        return f"KeyError: {lines[0]}"
    if lines[0].startswith("in user code"):
        return lines[-1]
    return next((x for x in lines if not x.startswith(PLACES)), lines[0])


def _figures(job: Job) -> dict:
    from tfsnn_tools import cell_measure, reproduction_methods

    key = job.key
    method = reproduction_methods.method(key["method"])
    pool = "neuron" if key["convert_ap"] else "linear"
    conversion, model = _converted(job.file, pool, method.reset)
    shape = tuple(model.inputs[0].shape[1:])
    then = _hybrid(job, conversion, shape) if method.trains else None
    # More than are used, so that seeds draw different ones.
    images, _ = _read(job.data, "train", 4 * key["images"], shape, job)
    test = _test(
        job.data, job.test_split, key["test_images"], shape, job.data_dir
    )

    figures = cell_measure.measured(
        conversion,
        _reference(
            job.file, job.data, job.test_split, key["test_images"], job.data_dir
        ),
        images,
        test,
        pipeline=reproduction_methods.with_iterations(
            method.pipeline(), job.weight_iterations
        ),
        timesteps=key["timesteps"],
        then=then,
        max_images=key["images"],
        seed=key["seed"],
    )
    figures["model_name"] = model.name
    figures["model_parameters"] = model.count_params()
    return figures


def _hybrid(job: Job, conversion, shape):
    """Trains a calibrated model; T and images that do not fit fail at once."""
    from tfsnn import baselines

    options = baselines.HybridTraining(
        epochs=job.hybrid_epochs, seed=job.key["seed"]
    )
    options.images_at_once(conversion.spiking_model(job.key["timesteps"]))
    data = _read(job.data, "train", job.hybrid_images, shape, job)
    return lambda snn: baselines.fine_tune(snn, *data, options)


@functools.lru_cache(maxsize=2)
def _converted(file: str, pool: str, reset: str):
    """A network and its conversion; cells in a row share them."""
    import tfsnn

    config = tfsnn.ConversionConfig(average_pool=pool, reset=reset)
    model = _model(file)
    return tfsnn.convert(model, config=config), model


@functools.lru_cache(maxsize=1)
def _model(file: str):
    from tfsnn.errors import ModelFileError
    from tfsnn_tools.model_files import load_keras_model

    if not pathlib.Path(file).is_file():
        key = pathlib.Path(file).stem
        raise ModelFileError(
            f"No trained network '{file}'. Train one with tfsnn train, or name"
            f" one with --model={key}:FILE."
        )
    return load_keras_model(file)


def _read(data, split, count, shape, job):
    return _loaded(data, split, count, shape, job.data_dir)


@functools.lru_cache(maxsize=2)
def _loaded(data, split, count, shape, data_dir):
    from tfsnn_tools import data_sources

    request = _request(data, count, shape, data_dir)
    return data_sources.load(f"{data}:{split}", request)


@functools.lru_cache(maxsize=1)
def _test(data, split, count, shape, data_dir):
    from tfsnn_tools import data_sources

    request = _request(data, count, shape, data_dir)
    return data_sources.open_labelled(f"{data}:{split}", request)


def _request(data, count, shape, data_dir):
    from tfsnn_tools.data_readers import Request
    from tfsnn_tools.preprocessing import Preprocessing

    crops = data.startswith("tfds:imagenet") and None not in shape
    return Request(
        shape,
        count,
        preprocessing=Preprocessing(crop=shape[:2] if crops else None),
        data_dir=data_dir,
    )


@functools.lru_cache(maxsize=1)
def _reference(file, data, split, count, data_dir):
    model = _model(file)
    shape = tuple(model.inputs[0].shape[1:])
    test = _test(data, split, count, shape, data_dir)
    parts = [test] if isinstance(test, tuple) else test
    outputs = [model.predict(images, verbose=0) for images, _ in parts]
    return np.concatenate(outputs)
