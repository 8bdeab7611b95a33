import json

import keras
import pytest

from tests.support.tiny import tiny_network


@pytest.fixture
def refused_file(tmp_path):
    path = tmp_path / "refused.keras"
    tiny_network("tanh").save(path)
    return path


def test_model_that_converts(command, network_file):
    outcome = command("check", network_file)
    assert outcome.code == 0
    assert outcome.out.startswith("Model 'tiny' converts: 1 neuron layers")


def test_model_that_does_not(command, refused_file):
    outcome = command("check", refused_file)
    assert outcome.code == 1
    assert "does not convert" in outcome.out
    assert "tanh" in outcome.out


@pytest.mark.parametrize("arguments", [("--json",), ("--json=true",)])
def test_json_of_a_good_model(command, network_file, arguments):
    outcome = command("check", *arguments, network_file)
    assert outcome.code == 0
    assert json.loads(outcome.out)["ok"] is True


def test_json_of_a_refused_model(command, refused_file):
    outcome = command("check", refused_file, "--json")
    record = json.loads(outcome.out)
    assert (outcome.code, record["ok"]) == (1, False)
    assert record["findings"][0]["remedy"]


def test_weights_that_are_not_finite(command, tmp_path):
    model = tiny_network()
    model.layers[1].kernel.assign(model.layers[1].kernel * float("nan"))
    model.save(tmp_path / "nan.keras")
    outcome = command("check", tmp_path / "nan.keras")
    assert outcome.code == 1
    assert "NaN or infinite" in outcome.out


def test_model_of_flat_input_can_be_checked(command, tmp_path):
    model = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(3, activation="relu")]
    )
    model.add(keras.layers.Dense(2))
    model.save(tmp_path / "flat.keras")
    assert command("check", tmp_path / "flat.keras").code == 0


def test_file_that_is_not_a_model(command, tmp_path):
    (tmp_path / "text.keras").write_text("x")
    outcome = command("check", tmp_path / "text.keras")
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith("error: Received")


def test_no_file(command):
    outcome = command("check")
    assert outcome.code == 2
    assert "MODEL.keras is missing" in outcome.err


def test_two_files(command, network_file):
    outcome = command("check", network_file, "other.keras")
    assert outcome.code == 2
    assert "unexpected arguments: other.keras" in outcome.err
