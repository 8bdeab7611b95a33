"""The table, the estimate and the picture of `tfsnn check`."""

import json

import pytest

from tests.support.convertible import build


@pytest.fixture(scope="module", name="model_file")
def save_model(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "model.keras"
    build("max_pooled").save(path)
    return path


def test_table(command, model_file):
    outcome = command("check", model_file)
    assert outcome.code == 0
    assert "max_pooling2d" in outcome.out
    assert "spiking pool" in outcome.out
    assert "segment" in outcome.out


def test_json_and_estimate(command, model_file):
    outcome = command("check", model_file, "--json", "--timesteps=4")
    record = json.loads(outcome.out)
    assert record["estimate"]["timesteps"] == 4
    assert record["segments"][-1]["role"] == "readout"


def test_picture(command, model_file, tmp_path):
    outcome = command("check", model_file, f"--plot={tmp_path / 'a.svg'}")
    assert outcome.code == 0
    assert "<svg" in (tmp_path / "a.svg").read_text()


@pytest.mark.parametrize(
    ("policy", "code", "text"),
    [("average", 0, "the accuracy may change"), ("refuse", 1, "is refused")],
)
def test_policies(command, model_file, policy, code, text):
    outcome = command("check", model_file, f"--max_pool={policy}")
    assert outcome.code == code
    assert text in outcome.out


def test_declared_layers(command, model_file):
    outcome = command("check", model_file, "--affine=nowhere")
    assert outcome.code == 1
    assert "the model has no such layer" in outcome.out


def test_bad_timesteps(command, model_file):
    assert command("check", model_file, "--timesteps=0").code == 2


def test_bad_picture(command, model_file, tmp_path):
    outcome = command("check", model_file, f"--plot={tmp_path / 'a.gif'}")
    assert outcome.code == 1
    assert "Supported: .svg, .png, .pdf" in outcome.err
