import json

import pytest

from tests.support.run_records import LAYERS, calibration, run
from tfsnn.errors import ReportError
from tfsnn.reports import Run, build_report
from tfsnn.reports.rows import REPORT_SCHEMA


@pytest.fixture(scope="module")
def report():
    return build_report([run("light"), run("other", timesteps=(4,))])


def test_one_row_a_run_and_t(report):
    rows = [(row["run"], row["timesteps"]) for row in report["overview"]]
    assert rows == [("light", 4), ("light", 8), ("other", 4)]
    assert report["schema"] == REPORT_SCHEMA


def test_summary(report):
    row = report["overview"][0]
    assert row["drop"] == pytest.approx(0.9 - 0.68)
    assert (row["pipeline"], row["neuron"]) == ("light", "if")
    joules = (30 * 4.6 + 1200 * 0.9 + 150 * 0.9) * 1e-12
    assert row["spiking_joules"] == pytest.approx(joules)
    assert row["energy_ratio"] == pytest.approx(joules / 3000 / 4.6e-12)
    assert row["logit_error"] == 0.04


def test_front(report):
    # More steps cost more and are better: both are on the front.
    assert [row["pareto_energy"] for row in report["overview"]] == [True] * 3
    assert [row["pareto_latency"] for row in report["overview"]] == [True] * 3


def test_layers_are_joined_by_name(report):
    layers = report["runs"][0]["points"][0]["layers"]
    assert [row["name"] for row in layers] == list(LAYERS)
    row = layers[1]
    assert row["firing_rate"] == 0.25
    assert (row["dead_channels"], row["num_channels"]) == (1, 3)
    assert (row["analog_macs"], row["accumulates"]) == (1000, 400)
    assert row["enters"] == 0.9
    assert "firing_rate" not in layers[2]


def test_what_is_needed_to_repeat_it(report):
    entry = report["runs"][0]
    assert entry["commands"] == [
        "tfsnn calibrate --model=net.keras",
        "tfsnn evaluate --model=spiking",
    ]
    manifest = entry["manifest"]
    assert manifest["digest of the calibration images"] == "ab" * 32
    assert manifest["SHA-256 of net.keras"] == "cd" * 32
    assert manifest["version of tfsnn"] == "0.1.0"


def test_steps(report):
    assert len(report["runs"][0]["steps"]) == 2 * 2 * 2
    assert report["runs"][0]["steps"][1]["error_before"] == 0.2


def test_what_is_not_measured_is_none():
    record = run().record
    record["calibration"] = None
    for point in record["points"]:
        point.update(evaluation=None, diagnosis=None, rasters=None)
    (entry,) = build_report([Run("bare", record)])["runs"]
    assert entry["points"][0]["layers"] == []
    assert entry["points"][0]["summary"]["accuracy"] is None
    assert entry["steps"] == []


def test_it_is_json(report):
    text = json.dumps(report, allow_nan=False)
    assert json.loads(text)["overview"] == report["overview"]


def test_equal_names_are_told_apart():
    names = [e["name"] for e in build_report([run("a"), run("a")])["runs"]]
    assert names == ["a", "a (2)"]


def test_no_runs():
    with pytest.raises(ReportError, match="Received no runs"):
        build_report([])


def test_search_has_a_name_too():
    record = run().record
    record["calibration"] = {
        **calibration((4, 8)),
        "pipeline": {"name": "best"},
    }
    report = build_report([Run("r", record)])
    assert report["overview"][0]["pipeline"] == "best"
