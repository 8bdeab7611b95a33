"""Measures requests to exports: how many a second, and how long each takes.

Every model is asked through TensorFlow's C API, the loader of TensorFlow
Serving, and by gRPC through tfsnn serve, in batches of several sizes and with
several signatures, by a number of clients at a time. With --analog the network
that was converted is served the same way.
"""

import concurrent.futures
import functools
import itertools
import json
import pathlib
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf
from absl import flags
from tensorflow.core.protobuf import saved_model_pb2

from tfsnn.export import read_manifest
from tfsnn.export.manifest import signatures_entry
from tfsnn.export.publication import Version, find_place, publish
from tfsnn.export.weight_pool import WeightPool
from tfsnn.serving import DevelopmentServer, GrpcClient, Target
from tfsnn.serving.c_session import CSession
from tfsnn_tools import command_line, flag_groups, model_files, tables

USAGE = "tfsnn benchmark serving --exports=DIR,DIR [--flags]"
SECONDS = 600.0
"""How long an answer may take."""
COLUMNS = ("model", "signature", "batch", "through", "requests/s", "images/s")
COLUMNS += ("p50 ms", "p99 ms")


def define_flags() -> flags.FlagValues:
    """The flags of this command."""
    values = flags.FlagValues()
    options = {"flag_values": values}
    flags.DEFINE_list("exports", None, "Export folders.", **options)
    flags.DEFINE_string(
        "analog", None, "Network to compare with, .keras.", **options
    )
    flags.DEFINE_list("batches", ["1", "8", "32"], "Batch sizes.", **options)
    flags.DEFINE_list(
        "signatures",
        ["serving_default", "anytime"],
        "Signatures; one that a model lacks is left out.",
        **options,
    )
    flags.DEFINE_list("timesteps", None, "Every T; all if None.", **options)
    flags.DEFINE_float("confidence", 0.9, "Of 'anytime'.", **options)
    flags.DEFINE_integer("clients", 2, "Requests at a time.", 1, **options)
    flags.DEFINE_float("seconds", 3.0, "A measurement.", 0.01, **options)
    flags.DEFINE_string(
        "images",
        None,
        "npz file with 'images' to send in turn; random numbers if None, of"
        " which 'anytime' is never sure.",
        **options,
    )
    flag_groups.define_json(values)
    return values


def main(argv: list[str]) -> int:
    """Measures and prints a line for each cell.

    Args:
        argv: Program name and flags.

    Returns:
        0.

    Raises:
        TfsnnError: If an export is not sound or the extra `serving` is not
            installed.
    """
    options = define_flags()
    command_line.parse(argv, options, required=("exports",))
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        if options.analog:
            path = _write_analog(options.analog, pathlib.Path(folder))
            rows += _measure_export(options, path)
        for export in options.exports:
            rows += _measure_export(options, pathlib.Path(export))
    if options.json:
        print(json.dumps(rows, indent=2))
    else:
        cells = [tuple(_text(row[name]) for name in COLUMNS) for row in rows]
        tables.print_table("Serving", COLUMNS, cells)
    return 0


def _write_analog(file: str, folder: pathlib.Path) -> pathlib.Path:
    """The network as an export with one signature."""
    model = model_files.load_keras_model(file)
    shape = [None, *model.inputs[0].shape[1:]]
    pool = WeightPool()
    run = pool.reading(model, lambda images: model(images, training=False))
    function = tf.function(
        lambda images: {"logits": run(images)},
        input_signature=[tf.TensorSpec(shape, tf.float32, "images")],
        autograph=False,
    ).get_concrete_function()
    place = find_place(folder / "analog", None, overwrite=False, revise=False)
    functions = {"serving_default": function}
    entry = {
        "version": 1,
        "revision": place.revision,
        "label": "analog",
        "timesteps": 0,
        "execution": "analog",
        "signatures": signatures_entry(functions),
    }
    publish(place, [Version(1, "analog", functions, pool, entry)], {})
    return place.path


def _measure_export(options, folder: pathlib.Path) -> Iterator[dict[str, Any]]:
    manifest = read_manifest(folder)
    wanted = options.timesteps
    with DevelopmentServer(folder) as server:
        for entry in manifest["models"]:
            if wanted and str(entry["timesteps"]) not in (*wanted, "0"):
                continue
            name = f"{entry['execution']} T={entry['timesteps']}"
            path = folder / str(entry["version"])
            yield from _measure_session(options, name, path)
            target = Target(manifest["name"], version=entry["version"])
            yield from _measure_server(options, name, server, target)


def _measure_session(options, name: str, path: pathlib.Path):
    session = CSession(str(path))
    shape = _image_shape(path)
    for signature in options.signatures:
        if signature not in session.signatures:
            continue
        for batch in map(int, options.batches):

            def asking(signature=signature):
                return lambda values: session.run(signature, values)

            fed = _requests(options, signature, batch, shape)
            yield {
                "model": name,
                "signature": signature,
                "batch": batch,
                "through": "C API",
                **_timed(options, fed, asking),
            }
    session.close()


def _measure_server(options, name, server, target):
    with GrpcClient("127.0.0.1", server.port) as client:
        found = client.signatures(target)
    shape = [d.size for d in _images(found).tensor_shape.dim][1:]
    for signature in options.signatures:
        if signature not in found:
            continue
        for batch in map(int, options.batches):

            def asking(signature=signature):
                client = GrpcClient("127.0.0.1", server.port, seconds=SECONDS)
                return lambda values: client.predict(
                    target, values, signature=signature
                )

            fed = _requests(options, signature, batch, shape)
            yield {
                "model": name,
                "signature": signature,
                "batch": batch,
                "through": "gRPC",
                **_timed(options, fed, asking),
            }


def _images(signatures):
    return signatures["serving_default"].inputs["images"]


def _image_shape(path: pathlib.Path) -> list[int]:
    content = (path / "saved_model.pb").read_bytes()
    model = saved_model_pb2.SavedModel.FromString(content)
    signatures = model.meta_graphs[0].signature_def
    return [dim.size for dim in _images(signatures).tensor_shape.dim][1:]


def _requests(
    options, signature: str, batch: int, shape: list[int]
) -> list[dict[str, np.ndarray]]:
    """Requests of other images each: early exits depend on the image."""
    if options.images:
        images = _stored(options.images)
    else:
        rng = np.random.default_rng(0)
        images = rng.random([batch, *shape], dtype="float32")
    if len(images) < batch:
        images = np.resize(images, [batch, *images.shape[1:]])
    requests = []
    for start in range(0, len(images) - batch + 1, batch):
        values = {"images": images[start : start + batch]}
        if signature == "anytime":
            values["confidence"] = np.full(batch, options.confidence, "float32")
            values["max_steps"] = np.full(batch, np.iinfo("int32").max, "int32")
        requests.append(values)
    return requests


@functools.cache
def _stored(file: str) -> np.ndarray:
    """The images of an npz file, read once for all cells."""
    with np.load(file) as content:
        return content["images"].astype("float32")


def _timed(options, requests: list[dict], make: Callable) -> dict[str, Any]:
    """Asks for some seconds, after two calls that are not counted."""

    def client(number):
        call, times = make(), []
        start = number * len(requests) // options.clients
        ahead = itertools.cycle(requests[start:] + requests[:start])
        for _ in range(2):
            call(next(ahead))
        end = time.monotonic() + options.seconds
        while time.monotonic() < end:
            fed = next(ahead)
            start = time.monotonic()
            call(fed)
            times.append(time.monotonic() - start)
        return times

    batch = len(requests[0]["images"])
    with concurrent.futures.ThreadPoolExecutor(options.clients) as pool:
        times = sum(pool.map(client, range(options.clients)), [])
    rate = options.clients / np.mean(times)
    return {
        "requests/s": float(rate),
        "images/s": float(rate * batch),
        "p50 ms": float(1e3 * np.percentile(times, 50)),
        "p99 ms": float(1e3 * np.percentile(times, 99)),
        "requests": len(times),
    }


def _text(value: Any) -> str:
    return f"{value:.1f}" if isinstance(value, float) else str(value)
