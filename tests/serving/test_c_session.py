"""Exports through TensorFlow's C API, the loader of TensorFlow Serving."""

import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from tests.support import c_session_program, served
from tests.support.spiking_networks import spiking
from tfsnn.export import export_bundle, export_saved_model
from tfsnn.serving import c_session

COUNT = 3
COUNTS = 8
"""T of the two-phase model."""


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    """Folded, step by step, counted, and as a bundle."""
    folder = tmp_path_factory.mktemp("exports")
    network = served.network()
    models = {T: spiking(network, timesteps=T) for T in (2, 129)}
    models[COUNTS] = spiking(network, timesteps=COUNTS, lag=COUNTS)
    family = {T: models[T] for T in (2, COUNTS)}
    options = {"decoding": served.DECODING}
    return {
        "versions": export_saved_model(models, folder / "net", **options),
        "bundle": export_bundle(family, folder / "bundle", **options),
    }


def versions_of(record):
    return {
        entry["version"]: entry["signatures"]
        for entry in record.manifest["models"]
    }


def functions_of(record, version):
    """What was saved, from before it was saved."""
    if version % 100_000:
        return record.served[version % 100_000].functions
    found = {}
    for T, one in record.served.items():
        for name, function in one.functions.items():
            suffix = "" if name == "serving_default" else f"_{name}"
            found[f"t{T}{suffix}"] = function
    return {**found, "serving_default": found[f"t{max(record.served)}"]}


def all_runs(records):
    return [
        (str(record.path / str(version)), signature)
        for record in records.values()
        for version, signatures in versions_of(record).items()
        for signature in signatures
    ]


@pytest.fixture(scope="module")
def received(records, tmp_path_factory):
    """Outputs of every signature in a process without Python's TensorFlow."""
    folder = tmp_path_factory.mktemp("job")
    arrays, runs = {}, []
    for place, signature in all_runs(records):
        prefix = signature.rpartition("_")[2]
        for name, value in served.inputs_of(signature, COUNT).items():
            if value.dtype == object:  # Rows of equal length.
                longest = max(map(len, value))
                rows = [file.ljust(longest, b"\0") for file in value]
                value = np.array([np.frombuffer(row, "uint8") for row in rows])
            arrays[f"{prefix}/{name}"] = value
        runs.append((place, signature, prefix))
    np.savez(folder / "inputs.npz", **arrays)
    job = {
        "inputs": str(folder / "inputs.npz"),
        "outputs": str(folder / "outputs.npz"),
        "num_threads": 2,
        "runs": runs,
    }
    (folder / "job.json").write_text(json.dumps(job))
    for module in (c_session, c_session_program):
        file = pathlib.Path(module.__file__)
        (folder / file.name).write_bytes(file.read_bytes())
    done = subprocess.run(
        [sys.executable, file.name, "job.json"],
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    modules = json.loads(done.stdout)
    assert not {"tensorflow", "keras", "tfsnn"} & set(modules)
    with np.load(folder / "outputs.npz") as file:
        return {key: file[key] for key in file.files}


def test_every_signature_gives_the_same_bits(records, received):
    compared = 0
    for record in records.values():
        for version, signatures in versions_of(record).items():
            functions = functions_of(record, version)
            for signature in signatures:
                fed = served.inputs_of(signature, COUNT)
                expected = functions[signature](
                    **{name: tf.constant(fed[name]) for name in fed}
                )
                prefix = signature.rpartition("_")[2]
                where = f"{record.path}/{version}/{signature}/{prefix}"
                for name, value in expected.items():
                    got = received[f"{where}/{name}"]
                    assert got.tobytes() == value.numpy().tobytes(), where
                    compared += 1
    # 4 signatures of 3 + 1 + 4 + 3 outputs; those of the bundle and again
    # its default.
    assert compared == 3 * 11 + 2 * 11 + 3


@pytest.fixture(scope="module")
def session(records):
    """In this process; closed at the end."""
    record = records["versions"]
    made = c_session.CSession(str(record.path / "100002"))
    yield made
    made.close()


MALFORMED = {
    "nan": (np.full((2, 8, 8, 3), np.nan, "float32"), "are not finite"),
    "shape": (np.zeros((2, 9, 9, 3), "float32"), "not compatible with expe"),
    "rank": (np.zeros((2, 8, 8), "float32"), "not compatible with expected"),
    "dtype": (np.zeros((2, 8, 8, 3), "float64"), "to be float but double"),
    "empty": (np.zeros((0, 8, 8, 3), "float32"), "holds no image. Supported"),
}


@pytest.mark.parametrize("signature", ["serving_default", "trace", "anytime"])
@pytest.mark.parametrize("value, text", MALFORMED.values(), ids=MALFORMED)
def test_malformed_images_are_refused(session, signature, value, text):
    fed = served.inputs_of(signature, len(value)) | {"images": value}
    with pytest.raises(c_session.SessionError, match=text) as caught:
        session.run(signature, fed)
    assert caught.value.code == c_session.INVALID_ARGUMENT


def test_other_lengths_are_refused(session):
    fed = served.inputs_of("anytime", 3)
    fed["confidence"] = fed["confidence"][:2]
    with pytest.raises(c_session.SessionError, match="one for each image"):
        session.run("anytime", fed)


def test_files_that_are_no_images_are_refused(session):
    fed = {"serialized": np.array([b"no picture"], dtype=object)}
    with pytest.raises(c_session.SessionError, match="Unknown image file"):
        session.run("serialized", fed)


def test_it_goes_on_after_a_refusal(session):
    with pytest.raises(c_session.SessionError):
        session.run("serving_default", {"images": MALFORMED["nan"][0]})
    answer = session.run("serving_default", {"images": served.images(1)})
    assert np.isfinite(answer["logits"]).all()


def test_missing_folder():
    with pytest.raises(c_session.SessionError, match="Could not find SavedM"):
        c_session.CSession("/nothing/here")


def test_bundle_takes_less_than_its_parts(records):
    (bundle,) = records["bundle"].manifest["models"]
    parts = [
        entry
        for entry in records["versions"].manifest["models"]
        if entry["timesteps"] in (2, COUNTS)
    ]
    # Weights and thresholds are equal for both T: stored once.
    assert bundle["weight_bytes"] == max(p["weight_bytes"] for p in parts)
    assert bundle["num_bytes"] < sum(p["num_bytes"] for p in parts)


@pytest.mark.parametrize("T", [2, COUNTS])
def test_bundle_gives_the_bits_of_its_parts(records, received, T):
    alone = f"{records['versions'].path}/{100_000 + T}/serving_default/default"
    bundled = f"{records['bundle'].path}/100000/t{T}/t{T}"
    for name in ("logits", "probabilities", "classes"):
        first, second = (
            received[f"{alone}/{name}"],
            received[f"{bundled}/{name}"],
        )
        assert first.tobytes() == second.tobytes()
