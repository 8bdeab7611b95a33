import json
import pathlib

import keras
import numpy as np
import pytest

import tfsnn
from tests.support.tiny import NUM_IMAGES, tiny_images
from tfsnn import progress, reports
from tfsnn_tools import evaluate, main, model_files


@pytest.fixture
def data(images_file):
    return f"--data=npz:{images_file}"


def rows(text):
    return [line.split() for line in text.splitlines() if line.split()]


def test_spiking_model(command, calibrated_folder, network_file, data):
    outcome = command(
        "evaluate",
        f"--model={calibrated_folder / 't4.keras'}",
        f"--reference={network_file}",
        data,
        "--scale=1/255",
    )
    assert outcome.code == 0
    assert ["timesteps", "4"] in rows(outcome.out)
    assert "agreement" in outcome.out
    assert "Firing rates" in outcome.out
    curve = outcome.out.partition("After t steps")[2].partition("Firing")[0]
    after = [row[0] for row in rows(curve) if row[-1] == "%"]
    assert after == ["1", "2", "4"]
    assert "Operations for one image" in outcome.out
    assert "Assumptions:" in outcome.out
    assert "Error of each layer" in outcome.out
    assert "T = 4: the logits are off by" in outcome.out


def test_json_is_the_evaluation(command, calibrated_folder, data):
    path = calibrated_folder / "t4.keras"
    outcome = command(
        "evaluate", f"--model={path}", data, "--scale=1/255", "--json"
    )
    images, labels = tiny_images(seed=1)
    expected = tfsnn.evaluate(
        model_files.load_keras_model(path),
        (images * np.float32(1 / 255), labels),
    ).to_dict()
    received = json.loads(outcome.out)
    assert received.pop("seconds") > 0
    assert expected.pop("seconds") > 0
    assert received == expected


def test_plain_network(command, network_file, data):
    outcome = command("evaluate", f"--model={network_file}", data)
    assert outcome.code == 0
    assert "accuracy" in outcome.out
    assert "Firing rates" not in outcome.out


def test_options_reach_the_library(command, calibrated_folder, data):
    outcome = command(
        "evaluate",
        f"--model={calibrated_folder / 't2.keras'}",
        data,
        "--num_images=5",
        "--batch_size=3",
        "--json",
    )
    record = json.loads(outcome.out)
    assert (record["num_images"], record["batch_size"]) == (5, 3)


@pytest.mark.parametrize(("more", "shown"), [([], True), (["--quiet"], False)])
def test_progress_is_told_where_there_is_no_terminal(
    command, network_file, data, monkeypatch, more, shown
):
    monkeypatch.setattr(progress, "SECONDS_A_LINE", 0)
    outcome = command("evaluate", f"--model={network_file}", data, *more)
    assert (
        f"evaluating: {NUM_IMAGES} of {NUM_IMAGES} images" in outcome.err
    ) == shown


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory, calibrated_folder, network_file, images_file):
    """A run of both T, with a reference."""
    folder = tmp_path_factory.mktemp("run") / "light"
    arguments = [
        f"--model={calibrated_folder}",
        f"--reference={network_file}",
        f"--data=npz:{images_file}:test",
        "--scale=1/255",
        "--num_images=20",
        f"--output={folder}",
    ]
    assert main.run(["tfsnn", "evaluate", *arguments]) == 0
    return folder


def test_a_run_has_everything(run_folder):
    assert sorted(p.name for p in run_folder.iterdir()) == [
        "evaluation.json",
        "log.txt",
    ]
    record = reports.read_run(run_folder).record
    assert [point["timesteps"] for point in record["points"]] == [2, 4]
    point = record["points"][1]
    found = tfsnn.Evaluation.from_dict(point["evaluation"])
    assert (found.timesteps, found.num_images) == (4, 20)
    assert found.cost.spiking.accumulates > 0
    diagnosis = tfsnn.Diagnosis.from_dict(point["diagnosis"])
    assert [layer.name for layer in diagnosis.layers][-1] == "readout"
    assert point["rasters"][0]["steps"] == 4
    assert point["neurons"][0]["timesteps"] == 4
    assert record["thresholds"][0]["maximum"] > 0
    assert record["calibration"]["num_images"] == NUM_IMAGES
    assert record["command"].startswith("tfsnn evaluate --model=")
    names = [pathlib.Path(path).name for path in record["sha256"]]
    assert sorted(names) == ["t2.keras", "t4.keras", "tiny.keras"]
    assert all(len(digest) == 64 for digest in record["sha256"].values())


def test_a_run_has_a_log(run_folder):
    lines = (run_folder / "log.txt").read_text().splitlines()
    assert lines[0].endswith(" started")
    assert lines[-1].endswith(" finished")
    assert sum("evaluating: 20 of 20 images" in line for line in lines) == 2
    assert sum("diagnosing: 20 of 20 images" in line for line in lines) == 2


def test_a_run_is_not_replaced_unasked(command, run_folder, network_file, data):
    outcome = command(
        "evaluate",
        f"--model={network_file}",
        data,
        f"--output={run_folder}",
    )
    assert outcome.code == 1
    assert "--overwrite" in outcome.err


def test_a_network_without_time_is_a_run_too(
    command, network_file, data, tmp_path
):
    folder = tmp_path / "ann"
    outcome = command(
        "evaluate", f"--model={network_file}", data, f"--output={folder}"
    )
    assert outcome.code == 0
    (point,) = reports.read_run(folder).record["points"]
    assert point["timesteps"] is point["diagnosis"] is point["rasters"] is None


def test_a_reference_that_is_another_network_is_noted(
    command, calibrated_folder, data, tmp_path
):
    inputs = keras.Input((8, 8, 1))
    x = keras.layers.Conv2D(4, 3, activation="relu", name="other")(inputs)
    x = keras.layers.GlobalAveragePooling2D()(x)
    other = keras.Model(inputs, keras.layers.Dense(3)(x))
    other.save(tmp_path / "other.keras")
    outcome = command(
        "evaluate",
        f"--model={calibrated_folder / 't2.keras'}",
        f"--reference={tmp_path / 'other.keras'}",
        data,
    )
    assert outcome.code == 0
    assert "Not diagnosed: " in outcome.err
    assert "agreement" in outcome.out


def test_no_diagnosis_if_not_wanted(
    command, calibrated_folder, network_file, data
):
    outcome = command(
        "evaluate",
        f"--model={calibrated_folder / 't2.keras'}",
        f"--reference={network_file}",
        data,
        "--diagnose=0",
        "--json",
    )
    assert json.loads(outcome.out)["diagnosis"] is None


def test_all_images_by_default(command, network_file, data):
    outcome = command("evaluate", f"--model={network_file}", data, "--json")
    assert json.loads(outcome.out)["num_images"] == NUM_IMAGES


@pytest.mark.parametrize(
    ("timesteps", "expected"),
    [(1, [1]), (2, [1, 2]), (6, [1, 2, 4, 6]), (8, [1, 2, 4, 8])],
)
def test_prefixes(timesteps, expected):
    assert evaluate.prefixes(timesteps) == expected


def test_images_without_labels(command, network_file, tmp_path):
    np.savez(tmp_path / "bare.npz", images=tiny_images()[0])
    outcome = command(
        "evaluate",
        f"--model={network_file}",
        f"--data=npz:{tmp_path / 'bare.npz'}",
    )
    assert outcome.code == 1
    assert "no labels" in outcome.err


def test_reference_of_another_size(command, network_file, data, tmp_path):
    other = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Flatten(),
            keras.layers.Dense(7),
        ]
    )
    other.save(tmp_path / "other.keras")
    outcome = command(
        "evaluate",
        f"--model={network_file}",
        f"--reference={tmp_path / 'other.keras'}",
        data,
    )
    assert outcome.code == 1
    assert outcome.err.startswith("error: ")


@pytest.mark.parametrize("name", ["model", "data"])
def test_missing_flag(command, network_file, data, name):
    given = {"model": f"--model={network_file}", "data": data}
    given.pop(name)
    outcome = command("evaluate", *given.values())
    assert outcome.code == 2
    assert f"--{name} is missing" in outcome.err


@pytest.mark.parametrize("name", ["model", "reference"])
def test_file_that_is_not_a_model(command, network_file, data, tmp_path, name):
    (tmp_path / "text.keras").write_text("x")
    files = {"model": network_file, name: tmp_path / "text.keras"}
    arguments = [f"--{key}={path}" for key, path in files.items()]
    outcome = command("evaluate", *arguments, data)
    assert outcome.code == 1
    assert "damaged, cut off" in outcome.err


def test_interruption(command, network_file, data, monkeypatch):
    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(tfsnn, "evaluate", interrupt)
    outcome = command("evaluate", f"--model={network_file}", data)
    assert (outcome.code, outcome.err) == (130, "interrupted\n")
