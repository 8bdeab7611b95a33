"""Exports as TensorFlow sees them."""

import errno
import os
import pathlib
import subprocess
import sys
import types

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.support.spiking_networks import (
    IMAGE_SHAPE,
    classifier,
    images,
    make_dyadic,
    spiking,
)
from tfsnn.calibration import CalibrationResult, pipelines
from tfsnn.conversion import convert
from tfsnn.errors import ConversionError, ExportError
from tfsnn.export import export_saved_model, read_manifest
from tfsnn.export.manifest_file import changed_files
from tfsnn.types import NeuronParameters

SIGNATURE = "serving_default"
VERSIONS = {T: 100_000 + T for T in (1, 2, 3, 129, 1024)}
BESIDE = [
    "README.md",
    "batching.config",
    "compose.yaml",
    "manifest.json",
    "models.config",
]
FILES = [
    "assets.extra/manifest.json",
    "assets.extra/tf_serving_warmup_requests",
    "saved_model.pb",
    "variables/variables.data-00000-of-00001",
    "variables/variables.index",
]


def spiking_classifier(timesteps, head="softmax", lag=0):
    network = make_dyadic(classifier())
    if head is not None:
        outputs = keras.layers.Activation(head, name="head")(network.output)
        network = keras.Model(network.input, outputs, name="classifier")
    return spiking(network, timesteps=timesteps, lag=lag)


@pytest.fixture(scope="module")
def models():
    return {129: spiking_classifier(129), 2: spiking_classifier(2, head=None)}


@pytest.fixture(scope="module")
def record(models, tmp_path_factory):
    """Tests only read it."""
    return export_saved_model(models, tmp_path_factory.mktemp("x") / "net")


@pytest.fixture(scope="module")
def loaded(record):
    """Kept alive, as its variables live in it."""
    return {
        T: tf.saved_model.load(str(record.path / str(VERSIONS[T])))
        for T in (2, 129)
    }


each_timesteps = pytest.mark.parametrize("timesteps", [2, 129])


def files_below(folder):
    return sorted(
        file.relative_to(folder).as_posix()
        for file in folder.rglob("*")
        if file.is_file()
    )


def content_below(folder):
    return {name: (folder / name).read_bytes() for name in files_below(folder)}


def test_layout(record):
    assert files_below(record.path) == sorted(
        [f"{VERSIONS[T]}/{file}" for T in (2, 129) for file in FILES] + BESIDE
    )


def test_nothing_is_left_beside_it(record):
    assert [x.name for x in record.path.parent.iterdir()] == ["net"]


@each_timesteps
def test_input(loaded, timesteps):
    inputs = loaded[timesteps].signatures[SIGNATURE].structured_input_signature
    spec = tf.TensorSpec([None, *IMAGE_SHAPE], tf.float32, "images")
    assert inputs == ((), {"images": spec})


@pytest.mark.parametrize(
    "timesteps, names",
    [
        (2, ["classes", "logits"]),
        (129, ["classes", "logits", "probabilities"]),
    ],
)
def test_outputs(loaded, timesteps, names):
    outputs = loaded[timesteps].signatures[SIGNATURE].structured_outputs
    assert sorted(outputs) == names
    assert outputs.pop("classes") == tf.TensorSpec(
        [None], tf.int64, name="classes"
    )
    for spec in outputs.values():
        assert spec.shape.as_list() == [None, 3]
        assert spec.dtype == tf.float32


def test_two_phase_networks_are_saved_as_counts(tmp_path):
    model = spiking_classifier(1024, head=None, lag=1024)
    record = export_saved_model(model, tmp_path / "net")
    (entry,) = record.manifest["models"]
    assert (entry["execution"], entry["latency_steps"]) == ("counts", 2048)
    reloaded = tf.saved_model.load(str(record.path / "101024"))
    serve = reloaded.signatures[SIGNATURE]
    for batch in (1, 3):
        received = serve(images=tf.constant(images(batch)))["logits"]
        # Dyadic weights and a power of two as T: nothing rounds.
        np.testing.assert_array_equal(received, model(images(batch)))


@each_timesteps
@pytest.mark.parametrize("batch", [1, 4])
def test_outputs_are_those_from_before(record, loaded, timesteps, batch):
    serve = loaded[timesteps].signatures[SIGNATURE]
    expected = record.expected(images(batch))[timesteps]
    received = serve(images=tf.constant(images(batch)))
    assert sorted(received) == sorted(expected)
    for name, value in expected.items():
        np.testing.assert_array_equal(received[name], value)


@each_timesteps
def test_outputs_are_those_of_the_model(models, loaded, timesteps):
    serve = loaded[timesteps].signatures[SIGNATURE]
    received = serve(images=tf.constant(images(3)))
    expected = keras.ops.convert_to_numpy(models[timesteps](images(3)))
    last = received.get("probabilities", received["logits"])
    # Spikes are equal with dyadic weights; the mean over T is rounded.
    np.testing.assert_allclose(last, expected, rtol=1e-6, atol=1e-7)


@each_timesteps
def test_no_state_is_kept(loaded, timesteps):
    serve = loaded[timesteps].signatures[SIGNATURE]
    first, second = (serve(images=tf.constant(images(2))) for _ in range(2))
    np.testing.assert_array_equal(first["logits"], second["logits"])


@each_timesteps
def test_operations_are_those_of_tensorflow(record, timesteps):
    """What `saved_model_cli show` would list is all there; no Keras data."""
    content = (
        record.path / str(VERSIONS[timesteps]) / "saved_model.pb"
    ).read_bytes()
    assert b"_tf_keras" not in content
    assert b"tfsnn" not in content
    assert b"partial" not in content


@each_timesteps
def test_only_what_inference_reads_is_saved(record, models, timesteps):
    folder = record.path / str(VERSIONS[timesteps])
    path = str(folder / "variables" / "variables")
    stored = tf.train.load_checkpoint(path).get_variable_to_shape_map()
    stored.pop("_CHECKPOINTABLE_OBJECT_GRAPH")
    # Thresholds and potentials of the two neurons are equal: stored once.
    assert len(stored) == len(models[timesteps].weights) - 2


def test_same_models_give_the_same_bytes(record, models, tmp_path):
    """Also after other functions were traced; the name is the folder's."""
    export_saved_model(models, tmp_path / "net")
    assert content_below(tmp_path / "net") == content_below(record.path)


def test_manifest_is_on_disk(record):
    manifest = read_manifest(record.path)
    assert manifest == record.manifest
    assert manifest["name"] == "net"
    assert [m["version"] for m in manifest["models"]] == [100_002, 100_129]
    assert manifest["labels"] == {"t2": 100_002, "t129": 100_129}
    assert manifest["revision"] == 1
    executions = [m["execution"] for m in manifest["models"]]
    assert executions == ["folded", "stepping"]


@each_timesteps
def test_version_has_its_part_of_the_manifest(record, timesteps):
    own = read_manifest(record.path / str(VERSIONS[timesteps]))
    every = dict(record.manifest)
    (entry,) = (m for m in every.pop("models") if m["timesteps"] == timesteps)
    for of_all in ("labels", "digest", "revision"):
        every.pop(of_all)
    assert own.pop("digest")
    assert own == {**every, **entry}


def test_digests_fit(record):
    assert changed_files(record.path) == []


def test_record(record):
    assert record.timesteps == (2, 129)
    assert record.to_dict() == {
        "path": str(record.path),
        "manifest": record.manifest,
    }


def test_single_model(tmp_path):
    record = export_saved_model(spiking_classifier(3), tmp_path / "x", name="n")
    assert record.timesteps == (3,)
    assert record.manifest["name"] == "n"
    assert record.manifest["pipeline"] is None


def test_calibration(tmp_path):
    theta = np.float64(0.5)
    result = CalibrationResult(
        convert(classifier()),
        pipelines.light(),
        lag=3,
        parameters={
            T: {"first": NeuronParameters(theta, theta / 2)} for T in (4, 2)
        },
        steps=(),
        num_images=256,
        digest="abc",
        seed=7,
        seconds=1.0,
    )
    evaluation = types.SimpleNamespace(
        to_dict=lambda: {"accuracy": np.float64(0.25)}
    )
    record = export_saved_model(
        result, tmp_path / "x", evaluations={4: evaluation}
    )
    manifest = record.manifest
    assert manifest["pipeline"] == pipelines.light().to_dict()
    assert manifest["calibration"]["digest"] == "abc"
    two, four = manifest["models"]
    assert (two["lag"], four["lag"]) == (2, 3)
    assert (two["evaluation"], four["evaluation"]) == (None, {"accuracy": 0.25})
    assert four["thresholds"][0]["mean"] == 0.5


def test_refuses_an_empty_mapping(tmp_path):
    with pytest.raises(ExportError, match="mapping is empty.*at least one T"):
        export_saved_model({}, tmp_path / "x")


def test_refuses_a_model_under_another_t(tmp_path):
    with pytest.raises(ExportError, match="T=8 runs 2 steps.*its own T"):
        export_saved_model({8: spiking_classifier(2)}, tmp_path / "x")


@pytest.mark.parametrize("result", ["model.keras", {2: "m.keras"}])
def test_refuses_what_is_no_model(tmp_path, result):
    with pytest.raises(TypeError, match="received a str. Supported: what"):
        export_saved_model(result, tmp_path / "x")


def test_refuses_an_analog_model(tmp_path):
    with pytest.raises(ConversionError, match="0 SpikingActivation layers"):
        export_saved_model(classifier(), tmp_path / "x")


def test_refuses_evaluations_of_other_t(tmp_path):
    with pytest.raises(ExportError, match=r"T=\[8\], which is not.*\[2\]"):
        export_saved_model(
            spiking_classifier(2), tmp_path / "x", evaluations={8: None}
        )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "prepare, text",
    [
        (pathlib.Path.mkdir, "exists.*overwrite=True"),
        (pathlib.Path.touch, "is a file"),
    ],
    ids=["folder", "file"],
)
def test_refuses_an_existing_path_before_any_work(tmp_path, prepare, text):
    prepare(tmp_path / "x")
    with pytest.raises(ExportError, match=text):
        export_saved_model("not even looked at", tmp_path / "x")


def test_overwrite_replaces_an_earlier_export(tmp_path):
    export_saved_model(spiking_classifier(2), tmp_path / "x")
    export_saved_model(spiking_classifier(3), tmp_path / "x", overwrite=True)
    # Another number than before, or a server would not look at it again.
    assert sorted(x.name for x in (tmp_path / "x").iterdir()) == [
        "200003",
        *BESIDE,
    ]
    assert [x.name for x in tmp_path.iterdir()] == ["x"]


TROUBLE = {
    "full disk": OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
    "full disk in TensorFlow": tf.errors.ResourceExhaustedError(
        None, None, "/x/part-0; No space left on device [Op:SaveV2]"
    ),
    "interrupt": KeyboardInterrupt(),
}


@pytest.fixture(params=TROUBLE.values(), ids=TROUBLE)
def trouble(request, monkeypatch):
    """The second SavedModel fails half-way; returns what is to be raised."""
    save, calls = tf.saved_model.save, []

    def failing(module, folder, **options):
        save(module, folder, **options)
        calls.append(folder)
        if len(calls) == 2:
            raise request.param

    monkeypatch.setattr(tf.saved_model, "save", failing)
    if isinstance(request.param, KeyboardInterrupt):
        return {"expected_exception": KeyboardInterrupt}
    return {
        "expected_exception": ExportError,
        "match": "disk is full.*MB are needed.*Nothing was left",
    }


@pytest.fixture(scope="module")
def two_models():
    return {T: spiking_classifier(T, head=None) for T in (1, 2)}


def test_failure_half_way_leaves_nothing(tmp_path, two_models, trouble):
    with pytest.raises(**trouble):
        export_saved_model(two_models, tmp_path / "new" / "x")
    assert not list(tmp_path.iterdir())


def test_failure_half_way_keeps_the_old_export(tmp_path, two_models, trouble):
    (tmp_path / "x").mkdir()
    old = b'{"producer": "tfsnn"}'
    (tmp_path / "x" / "manifest.json").write_bytes(old)
    with pytest.raises(**trouble):
        export_saved_model(two_models, tmp_path / "x", overwrite=True)
    assert [x.name for x in tmp_path.iterdir()] == ["x"]
    assert content_below(tmp_path / "x") == {"manifest.json": old}


@pytest.mark.slow
def test_saved_model_cli_shows_it(record):
    program = pathlib.Path(sys.executable).with_name("saved_model_cli")
    if not program.exists():
        pytest.skip("TensorFlow's saved_model_cli is not installed here")
    shown = subprocess.run(
        [program, "show", "--dir", record.path / "100129", "--all"],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    ).stdout
    assert "signature_def['serving_default']" in shown
    assert "inputs['images']" in shown
    assert "outputs['logits']" in shown
    assert "outputs['probabilities']" in shown
