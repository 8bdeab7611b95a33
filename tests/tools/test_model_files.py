import hashlib
import zipfile

import h5py
import keras
import numpy as np
import pytest

import tfsnn
from tests.support.tiny import tiny_network
from tfsnn.errors import ModelFileError
from tfsnn_tools import model_files

keras_or_h5 = pytest.mark.parametrize("suffix", [".keras", ".h5"])


class Unregistered(keras.layers.Layer):
    def call(self, inputs):
        return inputs


def saved(path, *layers):
    """A file of a small model; Keras warns that .h5 is its old format."""
    model = keras.Sequential([keras.Input((8, 8, 1)), *layers])
    model.save(path)
    return path


def refusal(path, match):
    with pytest.raises(ModelFileError, match=match) as caught:
        model_files.load_keras_model(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


@keras_or_h5
def test_models_load(tmp_path, suffix, rng):
    model = tiny_network()
    path = tmp_path / f"tiny{suffix}"
    model.save(path)
    loaded = model_files.load_keras_model(str(path))
    images = rng.normal(size=(2, 8, 8, 1))
    np.testing.assert_array_equal(loaded(images), model(images))


def test_spiking_models_load(tmp_path, rng):
    conversion = tfsnn.convert(tiny_network())
    spiking = conversion.spiking_model(4)
    spiking.save(tmp_path / "t4.keras")
    loaded = model_files.load_keras_model(tmp_path / "t4.keras")
    images = rng.normal(size=(2, 8, 8, 1))
    np.testing.assert_array_equal(loaded(images), spiking(images))


def test_missing_file(tmp_path):
    refusal(tmp_path / "no.keras", "no such file.*Check the path")


def test_folder(tmp_path):
    saved(tmp_path / "in.keras", keras.layers.Flatten())
    text = refusal(tmp_path, "which is a folder.*Name a file")
    assert str(tmp_path / "in.keras") in text


def test_empty_folder(tmp_path):
    assert "In it are" not in refusal(tmp_path, "which is a folder")


def test_other_suffix(tmp_path):
    path = tmp_path / "model.pt"
    path.write_text("x")
    refusal(path, r"ends with '\.pt'.*Supported: whole Keras models")


@keras_or_h5
def test_text_in_a_model_file(tmp_path, suffix):
    path = tmp_path / f"model{suffix}"
    path.write_text("not a model")
    refusal(path, "is not an? .* file: it is damaged, cut off")


@keras_or_h5
def test_empty_file(tmp_path, suffix):
    path = tmp_path / f"model{suffix}"
    path.touch()
    refusal(path, "is not an? .* file: it is damaged, cut off")


def test_truncated_file(tmp_path, network_file):
    content = network_file.read_bytes()
    path = tmp_path / "cut.keras"
    path.write_bytes(content[: len(content) // 2])
    refusal(path, "damaged, cut off")


def test_damaged_weights(tmp_path, network_file):
    path = tmp_path / "damaged.keras"
    with (
        zipfile.ZipFile(network_file) as good,
        zipfile.ZipFile(path, "w") as bad,
    ):
        for name in good.namelist():
            content = good.read(name)
            if name.endswith(".h5"):
                content = content[:100]
            bad.writestr(name, content)
    refusal(path, "cannot be loaded: OSError.*Save it anew")


def test_other_zip_file(tmp_path):
    path = tmp_path / "other.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.txt", "x")
    refusal(path, "cannot be loaded: KeyError: .*config.json")


def test_weights_without_a_model(tmp_path):
    path = tmp_path / "weights.h5"
    with h5py.File(path, "w") as file:
        file["x"] = np.zeros(3)
    refusal(path, "cannot be loaded: ValueError: No model config found")


def test_a_layer_alone_is_not_a_model(tmp_path, network_file, monkeypatch):
    monkeypatch.setattr(
        keras.models, "load_model", lambda *_, **__: keras.layers.ReLU()
    )
    refusal(network_file, "holds a ReLU, not a model")


@keras_or_h5
def test_unknown_class(tmp_path, suffix):
    path = saved(tmp_path / f"model{suffix}", Unregistered())
    refusal(path, "'Unregistered' is not known here.*custom_objects")


@keras_or_h5
def test_stored_code_is_not_run(tmp_path, suffix):
    double = keras.layers.Lambda(lambda x: 2 * x)
    path = saved(tmp_path / f"model{suffix}", double)
    refusal(path, "holds a Lambda layer or other Python code.*Replace it")


def test_sha256(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    assert model_files.sha256(path) == hashlib.sha256(b"abc").hexdigest()
