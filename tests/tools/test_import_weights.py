import json
import pathlib

import keras
import numpy as np
import pytest

FOLDER = pathlib.Path(__file__).parents[1] / "golden" / "torch"


@pytest.fixture
def weights(tmp_path):
    with np.load(FOLDER / "pytorchcv_vgg.npz") as file:
        state = {
            name.removeprefix("state/"): file[name]
            for name in file
            if name.startswith("state/")
        }
    # The CIFAR form has one linear layer, named as by the authors.
    state = {k: v for k, v in state.items() if k.startswith("features.")}
    features = {}
    for number, name in enumerate(
        sorted({name.rpartition(".")[0] for name in state})
    ):
        stage = int(name.split("stage")[1][0])
        index = 3 * number + stage - 1
        for kind in ("weight", "bias"):
            features[f"features.{index}.{kind}"] = state[f"{name}.{kind}"]
    features["classifier.weight"] = np.ones((4, 16), "float32")
    features["classifier.bias"] = np.zeros(4, "float32")
    path = tmp_path / "weights.npz"
    np.savez(path, **features)
    return path


def arguments(file, output, **changes):
    given = {
        "network": "vgg16",
        "weights": file,
        "output": output,
        "num_classes": 4,
        "width_multiplier": 1 / 32,
        "batch_norm": "false",
        **changes,
    }
    return [f"--{name}={value}" for name, value in given.items()]


def test_model_and_card(command, weights, tmp_path):
    path = tmp_path / "vgg.keras"
    outcome = command("import_weights", *arguments(weights, path))
    assert outcome.code == 0, outcome.err
    card = json.loads(path.with_suffix(".json").read_text())
    assert card["names_of"] == "the paper's code"
    assert card["imported_from"] == "weights.npz"
    model = keras.models.load_model(path)
    assert card["parameters"] == model.count_params()
    with np.load(weights) as state:
        np.testing.assert_array_equal(
            model.get_layer("stage2_unit1_conv").kernel,
            state["features.7.weight"].transpose(2, 3, 1, 0),
        )


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"network": "vgg"}, "Did you mean 'vgg16'?"),
        ({"num_classes": 9}, "'classifier.weight' has the shape (4, 16)"),
        ({"weights": "no.npz"}, "'no.npz', which is no file"),
    ],
)
def test_nothing_is_written_where_it_does_not_fit(
    command, weights, tmp_path, changes, text
):
    path = tmp_path / "out" / "vgg.keras"
    outcome = command("import_weights", *arguments(weights, path, **changes))
    assert outcome.code == 1
    assert text in outcome.err
    assert not path.parent.exists() or list(path.parent.iterdir()) == []


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"stem": "plain"}, "--stem=plain for vgg16. Supported: --stem of"),
        (
            {"pixel_mean": "a,b,c", "pixel_std": "1,2,3"},
            "--pixel_mean=a,b,c. Supported: numbers with commas",
        ),
    ],
    ids=["stem", "pixel_mean"],
)
def test_usage_errors(command, weights, tmp_path, changes, text):
    path = tmp_path / "vgg.keras"
    outcome = command("import_weights", *arguments(weights, path, **changes))
    assert outcome.code == 2
    assert text in outcome.err
    assert not path.exists()


def test_an_existing_file_is_kept(command, weights, tmp_path):
    path = tmp_path / "vgg.keras"
    path.write_text("precious")
    outcome = command("import_weights", *arguments(weights, path))
    assert outcome.code == 1
    assert "exists" in outcome.err
    assert path.read_text() == "precious"
