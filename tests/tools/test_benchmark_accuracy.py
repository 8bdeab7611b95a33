import json

import pytest

from tests.support.tiny import tiny_network
from tfsnn_tools import cell_file, model_files, quiet_start


@pytest.fixture
def benchmark(command, network_file, data, tmp_path):
    """Runs the smallest benchmark with flags replaced by name."""
    good = {
        "model": network_file,
        "data": data,
        "output": tmp_path / "rows.jsonl",
        "timesteps": "2",
        "per": "layer",
        "rounding": "floor,round",
        "iterations": 1,
        "images": 16,
        "test_images": 20,
    }

    def run(**changes):
        flags = [f"--{key}={v}" for key, v in {**good, **changes}.items()]
        outcome = command("benchmark", "accuracy", *flags)
        assert outcome.code == 0, outcome.err
        return outcome

    return run


def rows(tmp_path):
    return cell_file.finished_cells(tmp_path / "rows.jsonl")


def test_rows_say_where_they_come_from(benchmark, network_file, data, tmp_path):
    benchmark()
    digest = model_files.sha256(network_file)[:12]
    assert [row["rounding"] for row in rows(tmp_path)] == ["floor", "round"]
    for row in rows(tmp_path):
        assert (row["model"], row["model_sha256"]) == ("tiny.keras", digest)
        assert (row["data"], row["test_images"]) == (data, 20)
        assert row["tfsnn"] == quiet_start.versions()["tfsnn"]
        assert row["machine"] == quiet_start.machine()
        assert row["command"].startswith("tfsnn benchmark accuracy --model=")
        assert row["drop"] == 100 * (row["analog"] - row["accuracy"])


def test_finished_cells_are_not_repeated(benchmark, tmp_path):
    benchmark(rounding="floor")
    first = rows(tmp_path)
    outcome = benchmark()
    assert rows(tmp_path)[:1] == first
    assert [row["rounding"] for row in rows(tmp_path)] == ["floor", "round"]
    assert "| T | layer, floor | layer, round |" in outcome.out


def test_another_model_of_the_same_name_is_not_finished(benchmark, tmp_path):
    benchmark(rounding="floor")
    other = tmp_path / "tiny.keras"
    tiny_network("relu6").save(other)
    benchmark(rounding="floor", model=other)
    first, second = rows(tmp_path)
    assert first["model"] == second["model"]
    assert first["model_sha256"] != second["model_sha256"]


@pytest.mark.parametrize("name", ["data", "tfsnn"])
def test_rows_of_other_data_or_versions_do_not_count(benchmark, tmp_path, name):
    benchmark(rounding="floor")
    (row,) = rows(tmp_path)
    text = json.dumps({**row, name: "another"})
    (tmp_path / "rows.jsonl").write_text(f"{text}\n")
    benchmark(rounding="floor")
    assert len(rows(tmp_path)) == 2
