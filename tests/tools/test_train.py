import hashlib
import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.support.tiny import tiny_images, tiny_network
from tfsnn_models import datasets, recipes, registry
from tfsnn_tools import train


@pytest.fixture
def tiny_job(monkeypatch):
    """A tiny network and data set in place of those of the zoo."""
    card = datasets.DatasetCard(
        name="tiny",
        input_shape=(8, 8, 1),
        num_classes=3,
        pixel_mean=(127.0,),
        pixel_std=(70.0,),
        padding=1,
        licence="none",
    )

    def load_split(name, split, *, data_dir=None):
        images, labels = tiny_images()
        return tf.data.Dataset.from_tensor_slices(
            (images, labels.astype(np.int64))
        )

    def training_batches(examples, *, batch_size, padding, seed):
        return datasets.evaluation_batches(examples, batch_size=16)

    monkeypatch.setitem(datasets.CARDS, "tiny", card)
    monkeypatch.setattr(datasets, "load_split", load_split)
    monkeypatch.setattr(datasets, "training_batches", training_batches)
    monkeypatch.setattr(registry, "build", lambda *_, **__: tiny_network())
    monkeypatch.setattr(
        recipes,
        "train",
        lambda model, batches, recipe, **_: {"accuracy": [0.25, 0.5]},
    )


def test_model_and_card(command, tiny_job, tmp_path):
    path = tmp_path / "weights" / "tiny.keras"
    outcome = command(
        "train", "--dataset=tiny", "--epochs=2", "--seed=3", f"--output={path}"
    )
    assert outcome.code == 0, outcome.err
    card = json.loads(path.with_suffix(".json").read_text())
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert card["sha256"] == digest
    assert card["parameters"] == tiny_network().count_params()
    assert card["training_accuracy"] == 0.5
    assert card["recipe"]["epochs"] == 2
    assert "--epochs=2 --seed=3" in card["command"]
    assert 0 <= card["test_accuracy"] <= 1
    assert json.loads(outcome.out) == {
        name: value for name, value in card.items() if name != "sha256"
    }
    assert sorted(file.name for file in path.parent.iterdir()) == [
        "tiny.json",
        "tiny.keras",
    ]


def test_accuracy_of():
    examples = (np.eye(3, dtype="float32"), np.array([0, 1, 1]))
    batches = tf.data.Dataset.from_tensor_slices(examples).batch(2)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Flatten()])
    assert train.accuracy_of(model, batches) == 2 / 3


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ([], "--output is missing"),
        (["--output=x.keras", "--dataset=no"], "--dataset=no has no card"),
        (["--output=x.keras", "--epochs=0"], "flag --epochs"),
        (["--output=x.keras", "extra"], "unexpected arguments: extra"),
    ],
)
def test_usage_errors(command, arguments, text):
    outcome = command("train", *arguments)
    assert outcome.code == 2
    assert text in outcome.err


def test_unknown_network(command, tmp_path):
    outcome = command(
        "train", "--network=resnet2", f"--output={tmp_path / 'x.keras'}"
    )
    assert outcome.code == 1
    assert "Unknown network 'resnet2'" in outcome.err
    assert list(tmp_path.iterdir()) == []
