import json

import pytest

from tfsnn_tools import benchmark_simulation, simulation_cell


@pytest.fixture
def no_children(monkeypatch):
    """Answers in place of the child processes; lists what they were asked."""
    asked = []

    def answer(function, folder, *arguments):
        asked.append((function.__name__, *arguments))
        return {
            simulation_cell.write_models: None,
            simulation_cell.best_times: {
                "batch": 4,
                "analog_ms_per_image": 0.5,
                "spiking_ms_per_image": 3.0,
            },
            simulation_cell.peak_memory_mb: 512.0,
        }[function]

    monkeypatch.setattr(simulation_cell, "in_child", answer)
    return asked


def run(command, *more):
    return command(
        "benchmark",
        "simulation",
        "--widths=2",
        "--timesteps=2",
        "--policies=float32",
        "--rows=1,8,9",
        "--step_batches=4,2",
        "--repeats=1",
        *more,
    )


def test_table(command, no_children):
    outcome = run(command)
    assert outcome.code == 0, outcome.err
    header, _, *rows = outcome.out.splitlines()
    assert "| ANN float32 ms | SNN ms | SNN / (T * ANN float32) |" in header
    figures = "4 | 0.500 | 3.00 | 3.00 | 512 |"
    assert rows == [
        f"| 2 | 2 | float32 | folded | {figures}",
        f"| 2 | 2 | float32 | stepping | {figures}",
    ]


def test_memory_is_that_of_a_child_of_its_own(command, no_children):
    run(command)
    assert no_children == [
        ("write_models", 2, 2, "float32"),
        ("best_times", "folded", [1, 4], 1),
        ("peak_memory_mb", "folded", 4),
        ("best_times", "stepping", [2, 4], 1),
        ("peak_memory_mb", "stepping", 4),
    ]


def test_one_execution(command, no_children):
    outcome = run(command, "--execution=stepping")
    assert "| stepping |" in outcome.out
    assert "| folded |" not in outcome.out


def test_record(command, no_children, tmp_path):
    run(command, f"--output={tmp_path / 'rows.json'}")
    record = json.loads((tmp_path / "rows.json").read_text())
    assert [row["execution"] for row in record["rows"]] == [
        "folded",
        "stepping",
    ]
    assert record["command"].startswith("tfsnn benchmark simulation --widths")
    assert record["machine"]
    assert record["versions"]["tfsnn"]


@pytest.mark.parametrize("value", ["", "both", "folded,x"])
def test_unknown_execution(command, no_children, value):
    outcome = run(command, f"--execution={value}")
    assert outcome.code == 2
    assert f"Received --execution={value}. Supported: folded" in outcome.err
    assert no_children == []


@pytest.mark.slow
def test_in_real_children(command):
    outcome = run(command)
    assert outcome.code == 0, outcome.err
    assert len(outcome.out.splitlines()) == 4


def test_a_line_has_all_columns():
    row = dict.fromkeys(("width", "timesteps", "policy", "execution"), "x")
    row |= {"batch": 1, "analog_ms_per_image": 1, "spiking_ms_per_image": 1}
    line = benchmark_simulation.line(row | {"ratio": 1, "peak_memory_mb": 1})
    assert line.count("|") == len(benchmark_simulation.COLUMNS) + 1
