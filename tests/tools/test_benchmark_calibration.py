import json

import tfsnn
from tfsnn_models import registry
from tfsnn_models.resnet import cifar_resnet
from tfsnn_tools import benchmark_calibration


def test_default_iterations_are_those_of_light():
    biases = tfsnn.pipelines.light().strategies[1:]
    flags = benchmark_calibration.define_flags()
    assert flags["iterations"].default == len(biases)


def test_ratio_to_the_first_row(command, monkeypatch, tmp_path):
    def measured(depth, *work):
        layers = depth - 1
        return {
            "depth": depth,
            "neuron_layers": layers,
            "seconds": layers * depth / 20,
            "seconds_per_layer": depth / 20,
        }

    monkeypatch.setattr(benchmark_calibration, "calibration_seconds", measured)
    path = tmp_path / "rows.json"
    outcome = command(
        "benchmark", "calibration", "--depths=20,32", f"--output={path}"
    )
    assert outcome.code == 0
    header, _, first, second = outcome.out.splitlines()
    assert header.endswith("| seconds a layer | ratio |")
    assert first == "| 20 | 19 | 19.0 | 1.00 | 1.00 |"
    assert second == "| 32 | 31 | 49.6 | 1.60 | 1.60 |"
    record = json.loads(path.read_text())
    assert [row["ratio"] for row in record["rows"]] == [1, 1.6]
    assert record["command"].startswith("tfsnn benchmark calibration")


def test_a_calibration_is_measured(monkeypatch):
    monkeypatch.setattr(registry, "build", lambda _: cifar_resnet(depth=8))
    row = benchmark_calibration.calibration_seconds(8, 2, 16, 0)
    assert (row["depth"], row["neuron_layers"]) == (8, 7)
    assert row["seconds_per_layer"] == row["seconds"] / 7
