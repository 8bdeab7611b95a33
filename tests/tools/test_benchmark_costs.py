import json

import pytest

import tfsnn
from tfsnn_models import registry
from tfsnn_models.resnet import cifar_resnet
from tfsnn_tools import calibration_cost, simulation_cell


@pytest.fixture
def small(monkeypatch):
    def build(name, *, width):
        assert name == "resnet20"
        return cifar_resnet(depth=8, width=width)

    monkeypatch.setattr(registry, "build", build)


def test_a_row_is_measured(small):
    row = calibration_cost.measured(4, 2, 16, "light_once", 1)
    assert row["ratio"] == row["calibration_seconds"] / row["pass_seconds"]
    assert row["peak_memory_mb"] > 100  # TensorFlow alone takes more.
    assert row["trained_share"] == 0
    assert "iteration_ms" not in row


def test_training_is_set_against_gradients(small, monkeypatch):
    weights = tfsnn.calibration.WeightCalibration(iterations=2, check_every=1)
    quick = {"quick": lambda: tfsnn.pipelines.advanced(weights=weights)}
    monkeypatch.setattr(calibration_cost, "pipelines", lambda: quick)
    row = calibration_cost.measured(4, 2, 16, "quick", 1)
    assert 0 < row["trained_share"] < 1
    assert row["iteration_ms"] > row["gradient_ms"] > 0


def test_light_once_has_one_sweep():
    steps = calibration_cost.pipelines()["light_once"]().strategies
    assert len(steps) == 2


def test_rows_are_printed_and_written(command, monkeypatch, tmp_path):
    def in_child(function, width, timesteps, images, name, repeats):
        assert function is calibration_cost.measured
        cost = {"pass_seconds": 2.0, "calibration_seconds": 3.0, "ratio": 1.5}
        return {**cost, "peak_memory_mb": 900.4, "trained_share": 0.0}

    monkeypatch.setattr(simulation_cell, "in_child", in_child)
    path = tmp_path / "rows.json"
    outcome = command(
        "benchmark",
        "costs",
        "--pipelines=light",
        "--timesteps=32,64",
        f"--output={path}",
    )
    assert outcome.code == 0
    header, _, first, _ = outcome.out.splitlines()
    assert header.startswith("| pipeline | width | T | images | pass s |")
    assert (
        first
        == "| light | 16 | 32 | 1024 | 2.0 | 3.0 | 1.50 | 900 | 0% |  |  |"
    )
    rows = json.loads(path.read_text())["rows"]
    assert [row["timesteps"] for row in rows] == [32, 64]


def test_unknown_pipelines_are_refused(command):
    outcome = command("benchmark", "costs", "--pipelines=light,best,heavy")
    assert outcome.code == 2
    assert "--pipelines=light,best,heavy" in outcome.err
    assert "Supported: light_once, uncalibrated, light" in outcome.err
