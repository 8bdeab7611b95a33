import json

import pytest

from tfsnn_tools import cell_file


@pytest.fixture
def benchmark(command, network_file, data, tmp_path):
    """Runs the smallest benchmark with flags replaced by name."""
    good = {
        "model": network_file,
        "data": data,
        "output": tmp_path / "rows.jsonl",
        "timesteps": "2",
        "pipelines": "published_light,light",
        "lags": "0,T",
        "images": 16,
        "test_images": 20,
    }

    def run(**changes):
        flags = [f"--{key}={v}" for key, v in {**good, **changes}.items()]
        return command("benchmark", "pipelines", *flags)

    return run


def rows(tmp_path):
    return cell_file.finished_cells(tmp_path / "rows.jsonl")


def test_a_row_for_each_pipeline_clock_and_seed(benchmark, tmp_path):
    outcome = benchmark(seeds="0,1")
    assert outcome.code == 0, outcome.err
    keys = [(r["seed"], r["clock"], r["pipeline"]) for r in rows(tmp_path)]
    assert keys == [
        (seed, clock, pipeline)
        for seed in (0, 1)
        for clock in ("0", "T")
        for pipeline in ("published_light", "light")
    ]
    for row in rows(tmp_path):
        assert row["drop"] == 100 * (row["analog"] - row["accuracy"])
        assert row["images"] == 16
        # The only neuron has a constant current: it never waits.
        assert row["latency_steps"] == 2
    assert "| two-phase | light |" in outcome.out


@pytest.mark.parametrize(
    ("changes", "label", "clock"),
    [
        ({"neuron": "burst", "max_spikes": 2}, "burst 2", "0"),
        ({"neuron": "bit_plane"}, "bit_plane", "T"),
    ],
)
def test_kinds_of_neuron(benchmark, tmp_path, changes, label, clock):
    assert benchmark(pipelines="light", lags="0").code == 0
    outcome = benchmark(pipelines="", lags="", **changes)
    assert outcome.code == 0, outcome.err
    found = [(row["neuron"], row["clock"]) for row in rows(tmp_path)]
    assert found == [("if", "0"), (label, clock)]
    assert f"| light, {label} |" in outcome.out


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (
            {"neuron": "bit_plane", "lags": "0,T", "pipelines": "light"},
            "--lags=0,T with --neuron=bit_plane, whose neurons fire the bits",
        ),
        (
            {"neuron": "signed"},
            "Pipeline 'published_code_light' with neurons of kind 'signed'",
        ),
        (
            {"neuron": "signed", "max_spikes": 3},
            "--max_spikes with --neuron=signed",
        ),
    ],
)
def test_what_a_kind_cannot_have_is_refused(benchmark, tmp_path, changes, text):
    outcome = benchmark(**changes)
    assert outcome.code == 2
    assert text in outcome.err
    assert rows(tmp_path) == []


def test_rows_from_before_there_were_kinds_count(benchmark, tmp_path):
    benchmark(lags="0", pipelines="light")
    (row,) = rows(tmp_path)
    assert row.pop("neuron") == "if"
    (tmp_path / "rows.jsonl").write_text(json.dumps(row) + "\n")
    benchmark(lags="0", pipelines="light")
    assert rows(tmp_path) == [row]


def test_finished_cells_are_not_repeated(benchmark, tmp_path):
    benchmark(lags="0")
    first = rows(tmp_path)
    benchmark()
    assert rows(tmp_path)[:2] == first
    assert len(rows(tmp_path)) == 4


def test_numbers_of_test_images_share_a_calibration(benchmark, tmp_path):
    part = {"lags": "0", "pipelines": "light"}
    benchmark(test_images="10", **part)
    (alone,) = rows(tmp_path)
    outcome = benchmark(test_images="20,10,15,99", **part)
    assert outcome.code == 0, outcome.err
    first, *more = rows(tmp_path)
    assert first == alone
    # 99: as many as there are.
    assert [row["test_images"] for row in more] == [15, 20, 32]
    assert len({row["calibration_seconds"] for row in more}) == 1
    (tmp_path / "rows.jsonl").unlink()
    benchmark(test_images="10,20", **part)
    again = rows(tmp_path)[0]
    figures = ("test_images", "analog", "accuracy", "drop", "agreement")
    assert [again[name] for name in figures] == [
        alone[name] for name in figures
    ]


@pytest.mark.parametrize("value", ["0", "x", "20,-1", ""])
def test_wrong_numbers_of_test_images(benchmark, tmp_path, value):
    outcome = benchmark(test_images=value)
    assert outcome.code == 2
    assert f"--test_images={value}. Supported: whole numbers" in outcome.err
    assert rows(tmp_path) == []


@pytest.mark.parametrize("change", [{"pipelines": "dark"}, {"lags": "x"}])
def test_unknown_names_are_refused(benchmark, change, tmp_path):
    outcome = benchmark(**change)
    (value,) = change.values()
    assert outcome.code == 2
    assert f"{value} is unknown. Supported pipelines: uncal" in outcome.err
    assert rows(tmp_path) == []
