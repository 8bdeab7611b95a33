"""Warm-up requests, replayed as a server does; TensorFlow's own tools."""

import pathlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from tests.support import served
from tfsnn.export import export_saved_model, warmup

prediction_log_pb2 = pytest.importorskip(
    "tensorflow_serving.apis.prediction_log_pb2"
)


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    folder = tmp_path_factory.mktemp("warm") / "net"
    return export_saved_model(
        served.family((2,)), folder, decoding=served.DECODING
    )


@pytest.fixture(scope="module")
def version(record):
    return record.path / "100002"


def requests(version):
    file = version / "assets.extra" / "tf_serving_warmup_requests"
    for content in tf.data.TFRecordDataset(str(file)):
        log = prediction_log_pb2.PredictionLog.FromString(content.numpy())
        assert log.WhichOneof("log_type") == "predict_log"
        yield log.predict_log.request


def test_every_signature_in_two_batch_sizes(version):
    found = [
        (r.model_spec.name, r.model_spec.signature_name)
        for r in requests(version)
    ]
    names = ["anytime", "serialized", "serving_default", "trace"]
    assert found == [("net", name) for name in names for _ in (1, 8)]


def test_they_can_be_answered(version):
    loaded = tf.saved_model.load(str(version))
    answered = 0
    for request in requests(version):
        function = loaded.signatures[request.model_spec.signature_name]
        inputs = {
            name: tf.constant(tf.make_ndarray(value))
            for name, value in request.inputs.items()
        }
        outputs = function(**inputs)
        (size,) = {len(value) for value in inputs.values()}
        for value in outputs.values():
            assert len(value) == size
            assert np.isfinite(value).all()
        if "steps" in outputs:  # Nothing is left to be compiled later.
            np.testing.assert_array_equal(outputs["steps"], 2)
        answered += 1
    assert answered == 8


def test_manifest_says_what_was_written(record):
    (entry,) = record.manifest["models"]
    assert entry["warmup"] == {
        "signatures": ["anytime", "serialized", "serving_default", "trace"],
        "batch_sizes": [1, 8],
    }
    assert "assets.extra/tf_serving_warmup_requests" in entry["files"]


def test_nothing_is_written_without_the_extra(record, tmp_path, monkeypatch):
    monkeypatch.setattr(warmup, "can_write_warmup", lambda: False)
    functions = record.served[2].functions
    assert warmup.write_warmup(tmp_path, "net", functions) is None
    assert not list(tmp_path.iterdir())


def test_saved_model_cli_runs_it(record, version, tmp_path):
    program = pathlib.Path(sys.executable).with_name("saved_model_cli")
    if not program.exists():
        pytest.skip("TensorFlow's saved_model_cli is not installed here")
    np.save(tmp_path / "images.npy", served.images(3))
    subprocess.run(
        [
            *(program, "run", "--dir", version, "--tag_set", "serve"),
            *("--signature_def", "serving_default"),
            *("--inputs", f"images={tmp_path}/images.npy"),
            *("--outdir", tmp_path / "out"),
        ],
        check=True,
        capture_output=True,
        timeout=300,
    )
    expected = record.expected(served.images(3))[2]
    assert sorted(f.stem for f in (tmp_path / "out").iterdir()) == sorted(
        expected
    )
    for name, value in expected.items():
        got = np.load(tmp_path / "out" / f"{name}.npy")
        assert got.tobytes() == value.tobytes()
