"""Models made with tf_keras 2.21 and tensorflow-model-optimization 0.8.1.

The files are in tests/support/legacy. Rows that strip wrappers need an
interpreter with both packages, named by TFSNN_TFMOT_PYTHON.
"""

import os
import pathlib
import shutil

import h5py
import keras
import numpy as np
import pytest

from tests.support.convertible import build
from tfsnn import (
    Pipeline,
    SweepConfig,
    calibrate,
    check,
    load_legacy_model,
    pipelines,
)
from tfsnn.calibration import MmseThreshold, WeightCalibration
from tfsnn.errors import ModelFileError

FOLDER = pathlib.Path(__file__).parents[1] / "support" / "legacy"
PYTHON = os.environ.get("TFSNN_TFMOT_PYTHON")
needs_tfmot = pytest.mark.skipif(
    PYTHON is None, reason="TFSNN_TFMOT_PYTHON names no interpreter"
)


def test_plain_files_need_no_other_package():
    model = load_legacy_model(FOLDER / "plain.h5")
    with np.load(FOLDER / "plain.npz") as stored:
        np.testing.assert_allclose(
            model(stored["images"]), stored["outputs"], rtol=1e-4, atol=1e-5
        )
    assert check(model).ok


def test_the_file_stays_as_it_is(tmp_path):
    path = tmp_path / "model.h5"
    shutil.copyfile(FOLDER / "plain.h5", path)
    before = path.read_bytes()
    load_legacy_model(path)
    assert path.read_bytes() == before


def interpreter(folder, script):
    """A program that stands for a Python."""
    path = folder / "python"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo tf_keras >&2; exit 3", "needs the package tf_keras, which"),
        ("echo no such layer >&2; exit 1", "(?s)cannot load.*no such layer"),
    ],
)
@pytest.mark.parametrize("name", ["pruned", "clustered", "quantised"])
def test_what_the_other_process_says(script, message, name, tmp_path):
    python = interpreter(tmp_path, script)
    with pytest.raises(ModelFileError, match=message):
        load_legacy_model(FOLDER / f"{name}.h5", python=python)


def test_no_such_interpreter(tmp_path):
    with pytest.raises(ModelFileError, match="process that reads .* failed"):
        load_legacy_model(FOLDER / "pruned.h5", python=tmp_path / "python")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("no/such.h5", "but there is no such file"),
        (7, "Received a builtins.int. Supported: Functional"),
        (build("residual"), "the Keras 3 model 'net'.*pass it to"),
    ],
    ids=["path", "number", "model"],
)
def test_what_is_no_model_of_keras_2(source, message):
    with pytest.raises(ModelFileError, match=message):
        load_legacy_model(source)


def test_weights_alone(tmp_path):
    with h5py.File(tmp_path / "weights.h5", "w") as file:
        file["kernel"] = np.ones(3)
    with pytest.raises(ModelFileError, match="No model config found"):
        load_legacy_model(tmp_path / "weights.h5")


@pytest.mark.slow
@needs_tfmot
def test_pruned_weights_stay_zero():
    model = load_legacy_model(FOLDER / "pruned.h5", python=PYTHON)
    zero = model.get_layer("first").get_weights()[0] == 0
    assert np.mean(zero) == 0.5
    images = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")
    result = calibrate(
        model, images, timesteps=[4], pipeline=pipelines.advanced()
    )
    kernel = result[4].get_layer("first").get_weights()[0]
    assert np.all(kernel[zero] == 0)


@pytest.mark.slow
@needs_tfmot
@pytest.mark.parametrize(
    ("name", "most"), [("clustered", 3), ("quantised", 255)]
)
def test_stripped(name, most):
    model = load_legacy_model(FOLDER / f"{name}.h5", python=PYTHON)
    kernel = model.get_layer("first").get_weights()[0]
    assert kernel.shape == (4, 6)
    assert len(np.unique(kernel)) <= most
    assert check(model).ok


def pruned_network():
    model = build("residual")
    model = keras.models.clone_model(model)
    rng = np.random.default_rng(0)
    for variable in model.weights:
        if variable.name == "kernel":
            kept = rng.uniform(size=variable.shape) < 0.5
            variable.assign(rng.normal(size=variable.shape) * kept * 0.3)
    return model


@pytest.mark.parametrize(
    "pipeline",
    [
        pipelines.fitted(),
        Pipeline(
            "trained",
            (
                MmseThreshold(),
                WeightCalibration(
                    iterations=20, optimizer="adam", learning_rate=1e-2
                ),
            ),
        ),
    ],
    ids=["fitted", "trained"],
)
def test_sparsity_survives_calibration(pipeline):
    model = pruned_network()
    images = np.random.default_rng(1).normal(size=(32, 6, 6, 2))
    result = calibrate(
        model,
        images.astype("float32"),
        timesteps=[4],
        pipeline=pipeline,
        config=SweepConfig(lag=4),
    )
    changed = 0
    for layer in model.layers:
        if not hasattr(layer, "kernel"):
            continue
        before, *_ = layer.get_weights()
        after, *_ = result[4].get_layer(layer.name).get_weights()
        # A batch norm behind it has been folded in: zeros stay zeros.
        assert np.all(after[before == 0] == 0)
        changed += np.any(after != before)
    assert changed
