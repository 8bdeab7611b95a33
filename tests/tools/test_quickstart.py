import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

import tfsnn
from tests.support import convertible
from tfsnn import export
from tfsnn.errors import ReloadError
from tfsnn_tools import (
    main,
    model_files,
    quickstart,
    quickstart_report,
    shipped,
)


@pytest.fixture
def output(tmp_path):
    return tmp_path / "out"


def use_tiny(monkeypatch, network_file, images_file):
    """Puts tiny files in the place of the shipped ones; no fresh process.

    Returns a list of what the fresh process would have been asked.
    """
    calls = []

    def reload_check(path, images, expected):
        calls.append((pathlib.Path(path).name, len(images), sorted(expected)))
        return {}

    monkeypatch.setattr(shipped, "network", lambda name: network_file)
    monkeypatch.setattr(shipped, "sample", lambda name: images_file)
    monkeypatch.setattr(quickstart, "TIMESTEPS", (2, 4))
    monkeypatch.setattr(quickstart, "NUM_CALIBRATION", 20)
    monkeypatch.setattr(quickstart, "NUM_TEST", 10)
    monkeypatch.setattr(quickstart, "NUM_RELOAD", 4)
    monkeypatch.setattr(quickstart, "reload_check", reload_check)
    return calls


@pytest.fixture
def tiny(monkeypatch, network_file, images_file):
    use_tiny(monkeypatch, network_file, images_file)


@pytest.fixture(scope="module")
def finished(tmp_path_factory, network_file, images_file):
    """One run, and what the fresh process was asked; not to be changed."""
    folder = tmp_path_factory.mktemp("quickstart") / "out"
    with pytest.MonkeyPatch.context() as monkeypatch:
        calls = use_tiny(monkeypatch, network_file, images_file)
        assert main.run(["tfsnn", "quickstart", f"--output={folder}"]) == 0
    report = json.loads((folder / "report.json").read_text())
    return folder, report, calls


def names(folder):
    return sorted(path.name for path in folder.iterdir())


ROWS = [
    ("ANN", None),
    ("uncalibrated", 2),
    ("light", 2),
    ("uncalibrated", 4),
    ("light", 4),
]


def test_whole_chain(command, tiny, output, monkeypatch):
    monkeypatch.setattr(quickstart, "reload_check", export.reload_check)
    outcome = command("quickstart", f"--output={output}")
    assert outcome.code == 0, outcome.err
    cells = [line.split()[:2] for line in outcome.out.splitlines()]
    for name, timesteps in ROWS:
        assert [name, str(timesteps or "-")] in cells
    for timesteps in (2, 4):
        assert (
            f"Reloaded without tfsnn, T = {timesteps}: logits of 4 images"
            " equal, largest difference 0\n" in outcome.out
        )
    assert "Next, the same on your own network" in outcome.out
    assert names(output.parent) == ["out"]


def test_files(finished):
    folder, _, _ = finished
    assert names(folder) == ["report.json", "saved_model"]
    assert names(folder / "saved_model") == [
        "100002",
        "100004",
        "README.md",
        "batching.config",
        "compose.yaml",
        "manifest.json",
        "models.config",
    ]


def test_report(finished, network_file, images_file):
    folder, report, _ = finished
    assert report["network_sha256"] == model_files.sha256(network_file)
    assert report["images_sha256"] == model_files.sha256(images_file)
    assert report["num_calibration_images"] == 20
    assert report["num_test_images"] == 10
    assert report["seed"] == 0
    assert report["machine"]
    assert report["command"] == f"tfsnn quickstart --output={folder}"
    assert {"tfsnn", "tensorflow", "python"} <= report["versions"].keys()
    assert report["calibration"]["pipeline"]["name"] == "light"


def test_rows(finished):
    _, report, _ = finished
    found = [
        (row["name"], row["evaluation"]["timesteps"]) for row in report["rows"]
    ]
    assert found == ROWS


def test_manifest_has_the_accuracy(finished):
    folder, report, _ = finished
    light = [
        row["evaluation"] for row in report["rows"] if row["name"] == "light"
    ]
    path = folder / "saved_model" / "manifest.json"
    manifest = json.loads(path.read_text())
    assert [entry["evaluation"] for entry in manifest["models"]] == light
    assert manifest["pipeline"]["name"] == "light"


def test_reload_sees_every_saved_model(finished):
    _, _, calls = finished
    assert calls == [("saved_model", 4, [2, 4])]


def test_json_and_the_same_figures_again(command, tiny, output, finished):
    outcome = command("quickstart", f"--output={output}", "--json")
    report = json.loads(outcome.out)
    assert report == json.loads((output / "report.json").read_text())
    first, second = (
        [row["evaluation"]["accuracy"] for row in one["rows"]]
        for one in (finished[1], report)
    )
    assert first == second


def test_existing_folder_is_refused_before_any_work(
    command, finished, monkeypatch
):
    folder, _, _ = finished
    monkeypatch.setattr(shipped, "network", None)
    outcome = command("quickstart", f"--output={folder}")
    assert outcome.code == 1
    assert "exists" in outcome.err
    assert "--overwrite" in outcome.err


def test_overwrite(command, tiny, output):
    output.mkdir()
    (output / "report.json").write_text("{}")
    (output / "stale").touch()
    outcome = command("quickstart", f"--output={output}", "--overwrite")
    assert outcome.code == 0
    assert names(output) == ["report.json", "saved_model"]


@pytest.mark.parametrize(
    "step", ["calibrate", "evaluate", "export_saved_model"]
)
def test_interruption_leaves_nothing(command, tiny, output, monkeypatch, step):
    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(tfsnn, step, interrupt)
    outcome = command("quickstart", f"--output={output}")
    assert (outcome.code, outcome.err) == (130, "interrupted\n")
    assert names(output.parent) == []


def test_models_that_do_not_reload_leave_nothing(
    command, tiny, output, monkeypatch
):
    def refuse(path, images, expected):
        raise ReloadError("outputs differ")

    monkeypatch.setattr(quickstart, "reload_check", refuse)
    outcome = command("quickstart", f"--output={output}")
    assert (outcome.code, outcome.err) == (1, "error: outputs differ\n")
    assert names(output.parent) == []


def test_incomplete_installation(command, output, monkeypatch, tmp_path):
    monkeypatch.setattr(shipped, "ROOT", tmp_path)
    outcome = command("quickstart", f"--output={output}")
    assert outcome.code == 1
    assert "Install tfsnn again" in outcome.err


def test_unexpected_argument(command):
    outcome = command("quickstart", "here")
    assert outcome.code == 2
    assert "unexpected arguments: here" in outcome.err


def test_cells_of_a_network_without_time():
    evaluation = {
        "accuracy": 0.5,
        "agreement": None,
        "mean_firing_rate": None,
        "latency_steps": None,
        "timesteps": None,
        "seconds": 1.25,
    }
    row = {"name": "ANN", "evaluation": evaluation}
    assert quickstart_report.cells(row) == (
        "ANN",
        "-",
        "-",
        "50.00 %",
        "-",
        "-",
        "1.2",
    )


def test_cells_say_steps_and_latency():
    evaluation = {
        "accuracy": 0.5,
        "agreement": 0.75,
        "mean_firing_rate": 0.125,
        "latency_steps": 12,
        "timesteps": 8,
        "seconds": 1.25,
    }
    row = quickstart_report.cells({"name": "light", "evaluation": evaluation})
    assert len(row) == len(quickstart_report.COLUMNS)
    assert dict(zip(quickstart_report.COLUMNS, row, strict=True)) == {
        "": "light",
        "T": "8",
        "latency": "12",
        "accuracy": "50.00 %",
        "as the ANN": "75.00 %",
        "mean firing rate": "0.1250",
        "seconds": "1.2",
    }


def test_silent_narrator_prints_nothing(capsys):
    quickstart_report.narrator(silent=True)("x")
    quickstart_report.narrator(silent=False)("y")
    assert capsys.readouterr().out == "y\n"


@pytest.mark.slow
def test_shipped_network(tmp_path):
    """What the README promises, with the console script, in silence."""
    kept = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    result = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; from tfsnn_tools import main; sys.exit(main.run())",
            "quickstart",
        ],
        cwd=tmp_path,
        env=kept,
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert result.returncode == 0, result.stderr
    report = json.loads(
        (tmp_path / "tfsnn_quickstart" / "report.json").read_text()
    )
    ann, *spiking = [row["evaluation"]["accuracy"] for row in report["rows"]]
    uncalibrated, light = np.array(spiking[::2]), np.array(spiking[1::2])
    assert ann >= 0.9
    assert light[-1] >= ann - 0.02
    assert np.all(light >= uncalibrated - 0.01)
    assert all(reload["equal"] for reload in report["reloaded"])


def test_light_without_biases_is_uncalibrated():
    images = convertible.make_images(64)
    conversion = tfsnn.convert(
        convertible.build("residual"),
        config=tfsnn.ConversionConfig(spikes="unit"),
    )
    light, plain = (
        tfsnn.calibrate(conversion, images, timesteps=4, pipeline=pipeline)
        for pipeline in (
            tfsnn.pipelines.light(),
            tfsnn.pipelines.uncalibrated(),
        )
    )
    without = quickstart.without_biases(light, 4)
    np.testing.assert_array_equal(without(images), plain[4](images))
    assert np.any(light[4](images) != plain[4](images))
