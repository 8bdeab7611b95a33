"""A network with two inputs on the command line."""

import json

import keras
import numpy as np
import pytest

from tfsnn.errors import DataError
from tfsnn_tools import data_sources
from tfsnn_tools.data_readers import Request
from tfsnn_tools.preprocessing import Preprocessing

layers = keras.layers
N = 20
SHAPES = {"right": (4, 2), "left": (3,)}
RNG = np.random.default_rng(0)
LEFT = RNG.normal(size=(N, 3))
RIGHT = RNG.normal(size=(N, 4, 2))
LABELS = np.arange(N) % 2


def load(spec, *, max_images=None, **options):
    return data_sources.load(spec, Request(SHAPES, max_images, **options))


def stored(folder, **arrays):
    np.savez(folder / "data.npz", **arrays)
    return f"npz:{folder / 'data.npz'}"


def test_arrays_have_the_names_of_the_inputs(tmp_path):
    spec = stored(tmp_path, right=RIGHT, left=LEFT, labels=LABELS)
    (right, left), labels = load(spec)
    np.testing.assert_array_equal(left, LEFT.astype("float32"))
    np.testing.assert_array_equal(right, RIGHT.astype("float32"))
    np.testing.assert_array_equal(labels, LABELS)


def test_prefix_and_sample(tmp_path):
    spec = stored(tmp_path, train_right=RIGHT, train_left=LEFT, y_train=LABELS)
    for name, options in ((spec, {"split": "train"}), (f"{spec}:train", {})):
        (right, left), labels = load(name, max_images=5, **options)
        assert [len(left), len(right), len(labels)] == [5, 5, 5]
        rows = [
            np.flatnonzero(LEFT[:, 0].astype("float32") == x)[0]
            for x in left[:, 0]
        ]
        np.testing.assert_array_equal(right, RIGHT[rows].astype("float32"))
        np.testing.assert_array_equal(labels, LABELS[rows])


def test_labels_may_be_missing(tmp_path):
    assert load(stored(tmp_path, right=RIGHT, left=LEFT))[1] is None


@pytest.mark.parametrize(
    ("arrays", "options", "text"),
    [
        (
            {"left": LEFT, "images": RIGHT},
            {},
            "arrays images, left, for a network with the inputs right, left",
        ),
        (
            {"left": LEFT, "right": LEFT},
            {},
            r"Input 'right': Received images of shape \(20, 3\)",
        ),
        (
            {"left": LEFT, "right": RIGHT * np.nan},
            {},
            "160 NaN",
        ),
        (
            {"left": LEFT, "right": RIGHT},
            {"preprocessing": Preprocessing(scale=0.5)},
            r"or a preprocessing, .*inputs right, left. .*preprocessed already",
        ),
    ],
)
def test_refusals(tmp_path, arrays, options, text):
    with pytest.raises(DataError, match=text):
        load(stored(tmp_path, **arrays), **options)


def test_other_sources_are_refused():
    with pytest.raises(
        DataError, match="npz:FILE.*savez.FILE, right=..., left"
    ):
        load("tfds:cifar10")


def test_calibrates_evaluates_and_exports(tmp_path, command):
    right, left = (keras.Input(s, name=n) for n, s in SHAPES.items())
    x = layers.Concatenate()([left, layers.Flatten()(right)])
    x = layers.Dense(2)(layers.ReLU()(layers.Dense(6)(x)))
    keras.Model([right, left], x).save(tmp_path / "net.keras")
    data = stored(tmp_path, right=RIGHT, left=LEFT, labels=LABELS)
    network, found = tmp_path / "net.keras", tmp_path / "found"
    for arguments in (
        ["check", network, "--timesteps=4"],
        ["calibrate", f"--model={network}", "--timesteps=4"]
        + [f"--data={data}", f"--output={found}"],
        ["evaluate", f"--model={found}", f"--reference={network}"]
        + [f"--data={data}", f"--output={tmp_path / 'run'}"],
        ["export", f"--model={found}", f"--data={data}"]
        + [f"--output={tmp_path / 'served'}"],
    ):
        done = command(*arguments)
        assert done.code == 0, done.err
    manifest = json.loads((tmp_path / "served/manifest.json").read_text())
    (model,) = manifest["models"]
    inputs = model["signatures"]["serving_default"]["inputs"]
    assert list(inputs) == ["right", "left"]
    assert model["evaluation"]["num_images"] == N
    point = json.loads((tmp_path / "run/evaluation.json").read_text())
    assert point["points"][0]["diagnosis"] and point["thresholds"]
