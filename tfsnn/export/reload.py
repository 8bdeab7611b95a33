"""Proves that an export gives the same outputs in a fresh process."""

import dataclasses
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from tfsnn.errors import ReloadError
from tfsnn.inputs import Images, count_images, each, every, take

from .manifest_file import changed_files, read_manifest
from .signatures import DEFAULT

CHILD = pathlib.Path(__file__).with_name("reload_child.py")
SECONDS = 600.0

Outputs = np.ndarray | Mapping[str, np.ndarray]


@dataclasses.dataclass(frozen=True)
class ReloadRecord:
    """How one reloaded model compares.

    Attributes:
        timesteps: T.
        equal: Whether all expected outputs are equal, bit for bit.
        max_difference: Largest difference to what was expected.
        batch_size: Number of images.
        second_batch_size: Number of images of the second run.
        second_equal: The same of the second run; None where nothing was
            expected of it but shape and finite values.
        second_max_difference: The same; to the first run where nothing was
            expected.
    """

    timesteps: int
    equal: bool
    max_difference: float
    batch_size: int
    second_batch_size: int
    second_equal: bool | None
    second_max_difference: float

    def to_dict(self) -> dict[str, Any]:
        """Plain types."""
        return dataclasses.asdict(self)


def reload_check(
    path: str | os.PathLike,
    images: Images,
    expected: Mapping[int, Outputs],
    *,
    expected_second: Mapping[int, Outputs] | None = None,
    seconds: float = SECONDS,
) -> dict[int, ReloadRecord]:
    """Loads an export in a fresh Python process and compares its outputs.

    One process for all versions of the latest revision; in it, tfsnn and Keras
    cannot be imported. The files are first compared with the digests in the
    manifest. Then `serving_default` of each version, or `t8` and the like of a
    bundle, runs on `images`, and on a second batch of another size: the first
    half of the images, or a single one twice.

    Compared are the outputs of the reloaded graph with those of the function
    from before it was saved, `ExportRecord.expected`. On the same machine and
    batch size they are equal bit for bit; no such claim is made for an eager
    run of the Keras model or another batch size, so outputs of the second
    batch are compared only where `expected_second` was computed for it.

    Args:
        path: The export folder.
        images: `[B, ...]`, cast to float32; of several inputs a tuple.
        expected: T, each of the export, to logits `[B, ...]`, or to a mapping
            from output name to array.
        expected_second: The same for `second_batch(images)`.
        seconds: How long the process may take.

    Returns:
        T to record; all are equal.

    Raises:
        ModelFileError: If the manifest cannot be read.
        ReloadError: If files have changed, the versions are not those
            expected, the process fails, or outputs are not equal.
    """
    images = each(lambda array: np.asarray(array, "float32"), images)
    batches = [images, second_batch(images)]
    versions = _checked_versions(path, expected, expected_second)
    received = _run_child(versions, batches, seconds)
    records = {
        T: _record(T, received[T], expected[T], (expected_second or {}).get(T))
        for T in versions
    }
    wrong = [
        f"T={T}: {record.max_difference:.3g} at batch {record.batch_size},"
        f" {record.second_max_difference:.3g} at {record.second_batch_size}"
        for T, record in records.items()
        if not record.equal or record.second_equal is False
    ]
    if wrong:
        raise ReloadError(
            f"The models in '{path}' give other outputs than before they were"
            f" saved, by up to {'; '.join(wrong)}. Supported: equal, bit for"
            " bit. Compare on the machine and batch size that made the"
            " expected outputs (ExportRecord.expected), or export again."
        )
    return records


def second_batch(images: Images) -> Images:
    """The batch of another size on which `reload_check` runs as well.

    Args:
        images: `[B, ...]`; of several inputs a tuple.

    Returns:
        The first half, rounded down; a single image twice.
    """
    count = count_images(images)
    if count == 1:
        return each(lambda array: np.repeat(array, 2, axis=0), images)
    return take(images, slice(count // 2))


def _checked_versions(path, expected, expected_second):
    """T to folder, signature and inputs."""
    path = pathlib.Path(path).resolve()
    changed = changed_files(path)
    if changed:
        raise ReloadError(
            f"Files in '{path}' are not as they were written:"
            f" {', '.join(changed)}. Supported: an export as it was written."
            " Export again."
        )
    found = _latest(path)
    for given in (expected, expected_second):
        if given is not None and sorted(given) != sorted(found):
            raise ReloadError(
                f"Outputs are expected of T={sorted(given)}; '{path}' holds"
                f" {sorted(found)}. Supported: expected outputs for every"
                " version. Use ExportRecord.expected."
            )
    return dict(sorted(found.items()))


def _latest(path: pathlib.Path) -> dict[int, tuple[str, str, list[str]]]:
    """T to folder, signature and inputs in order, of the latest revision."""
    manifest = read_manifest(path)
    found = {}
    for entry in manifest["models"]:
        if entry["revision"] != manifest["revision"]:
            continue
        folder = str(path / str(entry["version"]))
        for member in entry.get("members", [entry]):
            signature = member.get("signature", DEFAULT)
            inputs = list(entry["signatures"][signature]["inputs"])
            found[member["timesteps"]] = (folder, signature, inputs)
    return found


def _run_child(versions, batches, seconds) -> dict[int, list]:
    """Outputs by T, batch and name."""
    with tempfile.TemporaryDirectory(prefix="tfsnn-reload-") as name:
        folder = pathlib.Path(name)
        program = shutil.copy(CHILD, folder)
        for number, batch in enumerate(batches):
            np.savez(folder / f"images_{number}.npz", *every(batch))
        job = {
            "versions": versions,
            "num_batches": len(batches),
            # The order of sums may depend on them.
            "intra_op": tf.config.threading.get_intra_op_parallelism_threads(),
            "inter_op": tf.config.threading.get_inter_op_parallelism_threads(),
            "use_gpu": bool(tf.config.get_visible_devices("GPU")),
        }
        (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")
        _start([sys.executable, program, str(folder)], folder, seconds)
        facts = json.loads((folder / "facts.json").read_text(encoding="utf-8"))
        if "tfsnn" in facts["imported"]:
            raise ReloadError(
                "The fresh process has imported tfsnn, so that it proves"
                " nothing. Supported: TensorFlow alone. Look for a"
                " sitecustomize or .pth file that imports tfsnn."
            )
        with np.load(folder / "outputs.npz") as file:
            outputs = {key: file[key] for key in file.files}
    received = {T: [{} for _ in batches] for T in versions}
    for key, value in outputs.items():
        version, number, output = key.split("/", 2)
        received[int(version)][int(number)][output] = value
    return received


def _start(command, folder, seconds) -> None:
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ReloadError(
            f"The fresh process was stopped after {seconds:g} seconds."
            " Supported: a run within that time. Use fewer images or allow"
            " more seconds."
        ) from error
    if done.returncode:
        last = "\n".join(done.stderr.strip().splitlines()[-8:])
        raise ReloadError(
            f"The fresh process ended with code {done.returncode}. It says:\n"
            f"{last}\nThe models need plain TensorFlow {tf.__version__} and"
            " images of the shape in the manifest. Check both, or export"
            " again."
        )


def _record(timesteps, received, expected, expected_second) -> ReloadRecord:
    first, second = received
    equal, difference = _compared(first, expected)
    if expected_second is None:
        second_equal = None if _plausible(second, first) else False
        size = min(len(next(iter(x.values()))) for x in received)
        _, second_difference = _compared(
            {name: value[:size] for name, value in second.items()},
            {name: value[:size] for name, value in first.items()},
        )
    else:
        second_equal, second_difference = _compared(second, expected_second)
    return ReloadRecord(
        timesteps,
        equal,
        difference,
        len(next(iter(first.values()))),
        len(next(iter(second.values()))),
        second_equal,
        second_difference,
    )


def _plausible(second, first) -> bool:
    """Whether names and shapes are right and values finite."""
    return second.keys() == first.keys() and all(
        value.shape[1:] == first[name].shape[1:] and np.isfinite(value).all()
        for name, value in second.items()
    )


def _compared(received, expected) -> tuple[bool, float]:
    """Whether all expected outputs are equal, and the largest difference."""
    if not isinstance(expected, Mapping):
        expected = {"logits": expected}
    equal, largest = True, 0.0
    for name, wanted in expected.items():
        wanted = np.asarray(wanted)
        got = received.get(name)
        if got is None or got.shape != wanted.shape:
            return False, float("inf")
        same = got.dtype == wanted.dtype and got.tobytes() == wanted.tobytes()
        equal = equal and same
        gap = np.abs(got.astype("float64") - wanted.astype("float64"))
        largest = max(largest, float(gap.max(initial=0.0)))
    return equal, largest
