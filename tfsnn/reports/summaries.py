"""Writes the numbers of a report as TensorBoard summaries.

They are written as records of TensorFlow's own event format: the package
`tensorboard` is only needed to look at them.
"""

import os
import pathlib
import time
from typing import Any

import tensorflow as tf

from tfsnn.errors import ReportError

SCALARS = (
    "accuracy",
    "agreement",
    "mean_firing_rate",
    "energy_ratio",
    "logit_error",
)
LAYER_SCALARS = ("firing_rate", "error", "enters", "clipped")
FILE_NAME = "events.out.tfevents.0.tfsnn"
Event, Summary = tf.compat.v1.Event, tf.compat.v1.Summary


def write_summaries(report: dict[str, Any], path: str | os.PathLike) -> None:
    """Writes one folder a run and T, which TensorBoard shows as its runs.

    The step of `accuracy_at` is t; of everything about layers, the depth; of
    the rest, T.

    Args:
        report: What `build_report` returned.
        path: Folder; new or empty.

    Raises:
        ReportError: If there is something in it.
    """
    path = pathlib.Path(path)
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise ReportError(
            f"Received the folder '{path}', which is not empty. Supported: a"
            " new folder, or TensorBoard would mix old and new. Choose"
            " another --tensorboard."
        )
    for place, run in enumerate(report["runs"]):
        for point in run["points"]:
            name = f"{place}_{_safe(run['name'])}_t{point['timesteps']}"
            folder = path / name
            folder.mkdir(parents=True)
            _write(folder / FILE_NAME, _values(point))


def _values(point):
    """Tag, step and number of everything there is."""
    for name in SCALARS:
        yield name, point["timesteps"] or 0, point["summary"].get(name)
    for name in ("accuracy_at", "agreement_at"):
        for step, value in enumerate(point[name] or (), start=1):
            yield name, step, value
    for depth, row in enumerate(point["layers"]):
        for name in LAYER_SCALARS:
            yield f"layers/{name}", depth, row.get(name)


def _write(path, values):
    now = time.time()
    with tf.io.TFRecordWriter(str(path)) as writer:
        first = Event(wall_time=now, file_version="brain.Event:2")
        writer.write(first.SerializeToString())
        for tag, step, value in values:
            if value is None:
                continue
            one = Summary.Value(tag=tag, simple_value=value)
            event = Event(
                wall_time=now, step=step, summary=Summary(value=[one])
            )
            writer.write(event.SerializeToString())


def _safe(name):
    return "".join(c if c.isalnum() or c in "-_." else "_" for c in name)
