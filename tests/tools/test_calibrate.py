import json
import signal
import subprocess
import sys

import keras
import numpy as np
import pytest

import tfsnn
from tests.support.tiny import NUM_IMAGES, tiny_images, tiny_network
from tfsnn import progress
from tfsnn.calibration import memory, visit
from tfsnn_tools import calibrate, model_files, stored_calibration

BURST = {"name": "burst", "max_spikes": 3}


@pytest.fixture
def flags(network_file, images_file, tmp_path):
    """The flags of a good command, which a test may replace by name."""
    good = {
        "model": network_file,
        "data": f"npz:{images_file}:calibration",
        "scale": "1/255",
        "timesteps": "2,4",
        "output": tmp_path / "out",
    }

    def build(**changes):
        merged = {**good, **changes}
        return [f"--{name}={value}" for name, value in merged.items()]

    return build


def nothing_written(tmp_path):
    """Neither output nor temporary folders, hidden ones included."""
    return not list(tmp_path.glob("out*")) and not list(tmp_path.glob(".*"))


def test_one_model_per_t_and_a_record(calibrated_folder):
    names = sorted(path.name for path in calibrated_folder.iterdir())
    assert names == [
        "calibration.json",
        "log.txt",
        "t2.keras",
        "t4.keras",
    ]


def test_models_are_those_of_the_library(calibrated_folder):
    images, _ = tiny_images()
    images = images.astype("float32") * np.float32(1 / 255)
    result = tfsnn.calibrate(tiny_network(), images, timesteps=[2, 4])
    for timesteps, model in result.items():
        path = calibrated_folder / f"t{timesteps}.keras"
        loaded = model_files.load_keras_model(path)
        np.testing.assert_array_equal(loaded(images), model(images))


def test_record(calibrated_folder, network_file):
    record = json.loads((calibrated_folder / "calibration.json").read_text())
    assert record["timesteps"] == [2, 4]
    assert record["files"] == {"2": "t2.keras", "4": "t4.keras"}
    assert record["num_images"] == NUM_IMAGES
    assert record["pipeline"]["name"] == "light"
    assert record["preprocessing"] == "x * 0.00392156863"
    assert record["preprocessing_fields"] == {
        "scale": 1 / 255,
        "mean": [],
        "std": [],
        "function": None,
        "resize": None,
        "crop": None,
    }
    assert record["model_sha256"] == model_files.sha256(network_file)
    assert record["versions"]["tfsnn"]
    assert record["command"].startswith("tfsnn calibrate --model=")


def test_table(command, flags, tmp_path):
    outcome = command("calibrate", *flags())
    assert outcome.code == 0
    rows = [line.split() for line in outcome.out.splitlines()]
    assert [row[0] for row in rows if row and row[0] in "248"] == ["2", "4"]
    assert f"Written: {tmp_path / 'out'}" in outcome.out
    assert "tfsnn export --model=" in outcome.out


def test_json_is_the_record(command, flags, tmp_path):
    outcome = command("calibrate", *flags(), "--json")
    written = (tmp_path / "out" / "calibration.json").read_text()
    assert json.loads(outcome.out) == json.loads(written)


def test_lag_of_no_neuron(command, flags, tmp_path):
    outcome = command("calibrate", *flags(lag="nothing:1"))
    assert outcome.code == 2
    assert "lag names no neuron of this network: ['nothing']" in outcome.err
    assert nothing_written(tmp_path)


def test_options_reach_the_library(command, flags):
    options = {
        "timesteps": 3,
        "pipeline": "uncalibrated",
        "per": "layer",
        "rounding": "floor",
        "lag": 1,
        "max_images": 20,
        "seed": 7,
        "average_pool": "neuron",
        "reset": "hard",
    }
    record = json.loads(command("calibrate", *flags(**options), "--json").out)
    (strategy,) = record["pipeline"]["strategies"]
    assert record["pipeline"]["name"] == "uncalibrated"
    assert (strategy["per"], strategy["rounding"]) == ("layer", "floor")
    assert record["conversion"] == {
        "affine": [],
        "average_pool": "neuron",
        "max_pool": "spiking",
        "equalise": False,
        "max_spikes": 4,
        "neuron": "if",
        "reset": "hard",
        "spikes": "threshold",
    }
    assert record["lags"] == {"3": 1}
    found = {name: record[name] for name in ("lag", "num_images", "seed")}
    assert found == {"lag": 1, "num_images": 20, "seed": 7}


@pytest.mark.parametrize(
    ("neuron", "more", "lags", "kind"),
    [
        ("signed", {}, {"2": 0, "4": 0}, {"name": "signed"}),
        ("burst", {"max_spikes": 3}, {"2": 0, "4": 0}, BURST),
        ("bit_plane", {}, {"2": 2, "4": 4}, {"name": "bit_plane"}),
    ],
)
def test_kinds_of_neuron_from_calibration_to_export(
    command, flags, images_file, tmp_path, neuron, more, lags, kind
):
    outcome = command("calibrate", *flags(neuron=neuron, **more), "--json")
    record = json.loads(outcome.out)
    assert record["conversion"]["neuron"] == neuron
    assert record["lags"] == lags
    stored = stored_calibration.read(tmp_path / "out")
    assert stored.conversion.config.kind.to_dict() == kind
    assert stored.lags == {int(T): lag for T, lag in lags.items()}
    data = f"--data=npz:{images_file}:test"
    text = command(
        "evaluate", f"--model={tmp_path}/out/t4.keras", data, "--scale=1/255"
    )
    assert f"{neuron} (not plain)" in text.out
    exported = command(
        "export",
        f"--model={tmp_path}/out",
        f"--output={tmp_path / 'e'}",
        "--json",
    )
    manifest = json.loads(exported.out)
    assert manifest["conversion"]["neuron"] == neuron
    for entry in manifest["models"]:
        (found,) = entry["neurons"]["kinds"]
        assert {key: found[key] for key in kind} == kind


@pytest.mark.parametrize("reset", ["soft", "hard"])
def test_unit_spikes_keep_outputs_and_record(command, flags, tmp_path, reset):
    images = tiny_images()[0] / np.float32(255)
    outputs = []
    for spikes in ("threshold", "unit"):
        folder = tmp_path / spikes
        changes = {"output": folder, "spikes": spikes, "reset": reset}
        assert command("calibrate", *flags(**changes)).code == 0
        outputs.append(
            model_files.load_keras_model(folder / "t4.keras")(images)
        )
    # Rounding of the rescaled weights; a flipped spike would show as 0.01.
    np.testing.assert_allclose(*outputs, atol=1e-5)
    exported = command(
        "export", f"--model={folder}", f"--output={tmp_path / 'e'}", "--json"
    )
    manifest = json.loads(exported.out)
    assert manifest["conversion"]["spikes"] == "unit"
    assert manifest["pipeline"]["name"] == "light"
    assert manifest["calibration"]["num_images"] == NUM_IMAGES
    (layer,) = manifest["models"][0]["thresholds"]
    assert (layer["min"], layer["max"]) == (1, 1)


@pytest.mark.parametrize(("more", "shown"), [([], True), (["--quiet"], False)])
def test_progress_is_told_where_there_is_no_terminal(
    command, flags, monkeypatch, more, shown
):
    monkeypatch.setattr(progress, "SECONDS_A_LINE", 0)
    outcome = command("calibrate", *flags(), *more)
    assert ("calibrating: 1 of " in outcome.err) == shown


def test_same_seed_same_models(command, flags, tmp_path):
    images, _ = tiny_images()
    outputs = []
    for name in ("a", "b"):
        folder = tmp_path / name
        assert command("calibrate", *flags(output=folder)).code == 0
        model = model_files.load_keras_model(folder / "t4.keras")
        outputs.append(np.asarray(model(images / np.float32(255))))
    np.testing.assert_array_equal(*outputs)


def test_what_json_has_no_number_for_is_not_written(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        calibrate.write({}, {"steps": [float("inf")]}, tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["model", "data", "output"])
def test_missing_flag(command, flags, tmp_path, name):
    arguments = [flag for flag in flags() if not flag.startswith(f"--{name}=")]
    outcome = command("calibrate", *arguments)
    assert outcome.code == 2
    assert f"--{name} is missing" in outcome.err
    assert nothing_written(tmp_path)


BAD = {
    "no timesteps": ({"timesteps": "0"}, 2, "whole numbers T >= 1"),
    "no such model": ({"model": "no.keras"}, 1, "no such file"),
    "no such data": ({"data": "npz:no.npz"}, 1, "is not a file"),
    "unknown data": ({"data": "csv:x"}, 1, "Supported: tfds:NAME"),
    "too few images": ({"max_images": "15"}, 2, "flag --max_images=15"),
    "lag beyond T": ({"lag": "100"}, 2, "--lag=100 with T up to 4"),
    "bad scale": ({"scale": "0"}, 1, "scale"),
    "lag that is no number": ({"lag": "x"}, 2, "Received --lag=x"),
    "lag of bit planes": (
        {"neuron": "bit_plane", "lag": "1"},
        1,
        "lag=1 with timesteps=2 and neurons of kind 'bit_plane'",
    ),
    "T of bit planes": (
        {"neuron": "bit_plane", "timesteps": "25"},
        1,
        "timesteps=25 with neurons of kind 'bit_plane'",
    ),
    "pipeline of bit planes": (
        {"neuron": "bit_plane", "pipeline": "temporal"},
        1,
        "Pipeline 'temporal' with neurons of kind 'bit_plane'",
    ),
    "bursts of others": (
        {"neuron": "signed", "max_spikes": "2"},
        2,
        "--max_spikes with --neuron=signed. Supported: --neuron=burst",
    ),
    "reset of others": (
        {"neuron": "signed", "reset": "hard"},
        2,
        "reset='hard' with neuron='signed'",
    ),
}


@pytest.mark.parametrize(("changes", "code", "text"), BAD.values(), ids=BAD)
def test_bad_flags(command, flags, tmp_path, changes, code, text):
    outcome = command("calibrate", *flags(**changes))
    assert (outcome.code, outcome.out) == (code, "")
    assert outcome.err.startswith("error: ")
    assert text in outcome.err
    assert nothing_written(tmp_path)


DATA = {
    "size": ({"images": np.zeros((20, 6, 6, 1))}, "6x6"),
    "channels": ({"images": np.zeros((20, 8, 8, 3))}, "channels"),
    "empty": ({"images": np.zeros((0, 8, 8, 1))}, "empty"),
    "labels": ({"images": np.zeros(20, int)}, "labels in the data"),
    "not finite": ({"images": np.full((20, 8, 8, 1), np.nan)}, "NaN"),
    "too few": ({"images": np.zeros((5, 8, 8, 1))}, "too small a set"),
    "other names": ({"pictures": np.zeros((20, 8, 8, 1))}, "without"),
}


@pytest.mark.parametrize(("arrays", "text"), DATA.values(), ids=DATA)
def test_data_that_do_not_fit(command, flags, tmp_path, arrays, text):
    np.savez(tmp_path / "bad.npz", **arrays)
    outcome = command("calibrate", *flags(data=f"npz:{tmp_path}/bad.npz"))
    assert (outcome.code, outcome.out) == (1, "")
    assert text in outcome.err
    assert nothing_written(tmp_path)


def test_what_does_not_fit_into_memory(command, flags, tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "available_bytes", lambda: 2**12)
    outcome = command("calibrate", *flags(timesteps="8,2000"))
    assert (outcome.code, outcome.out) == (1, "")
    assert "T=8,2000 with 32 calibration images takes at least" in outcome.err
    assert nothing_written(tmp_path)


def test_unsupported_layer_lists_findings(command, flags, tmp_path):
    tiny_network("tanh").save(tmp_path / "tanh.keras")
    outcome = command("calibrate", *flags(model=tmp_path / "tanh.keras"))
    assert outcome.code == 1
    assert "does not convert" in outcome.err
    assert "tanh" in outcome.err
    assert nothing_written(tmp_path)


def test_input_that_is_no_image(command, flags, tmp_path):
    model = keras.Sequential(
        [keras.Input((4,)), keras.layers.ReLU(), keras.layers.Dense(2)]
    )
    model.save(tmp_path / "flat.keras")
    outcome = command("calibrate", *flags(model=tmp_path / "flat.keras"))
    assert outcome.code == 1
    assert "images (H, W, C)" in outcome.err


def test_existing_folder_is_refused_before_any_work(
    command, flags, tmp_path, monkeypatch
):
    assert command("calibrate", *flags()).code == 0
    monkeypatch.setattr(model_files, "load_keras_model", None)
    outcome = command("calibrate", *flags())
    assert outcome.code == 1
    assert "exists" in outcome.err
    assert "--overwrite" in outcome.err


def test_overwrite(command, flags, tmp_path):
    assert command("calibrate", *flags()).code == 0
    assert command("calibrate", *flags(timesteps=3), "--overwrite").code == 0
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["calibration.json", "log.txt", "t3.keras"]


def test_interruption_before_the_first_segment_leaves_nothing(
    command, flags, tmp_path, monkeypatch
):
    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(tfsnn, "calibrate", interrupt)
    outcome = command("calibrate", *flags())
    assert (outcome.code, outcome.out) == (130, "")
    assert outcome.err == "interrupted\n"
    assert nothing_written(tmp_path)


def only_the_checkpoint(tmp_path):
    """Neither output nor temporary folders, hidden ones included."""
    left = [*tmp_path.glob("out*"), *tmp_path.glob(".*")]
    return left == [tmp_path / "out.partial"]


def outputs(folder):
    """What the models of a folder answer, by file name."""
    images = tiny_images()[0] / np.float32(255)
    return {
        path.name: np.asarray(model_files.load_keras_model(path)(images))
        for path in folder.glob("*.keras")
    }


@pytest.fixture
def interrupted(command, flags, monkeypatch):
    """Ctrl-C comes after the first T of the only segment."""
    calibrate_one = visit.Visit.calibrate

    def calibrate_first(self, pipeline):
        if self._front.timesteps == 4:
            raise KeyboardInterrupt
        return calibrate_one(self, pipeline)

    with monkeypatch.context() as patch:
        patch.setattr(visit.Visit, "calibrate", calibrate_first)
        return command("calibrate", *flags())


def test_an_interrupted_run_says_how_to_go_on(interrupted, tmp_path):
    assert (interrupted.code, interrupted.out) == (130, "")
    kept, last = interrupted.err.splitlines()[-2:]
    assert kept == (
        f"finished segments are kept in '{tmp_path}/out.partial': run the same"
        " command with --resume to go on"
    )
    assert last == "interrupted"
    assert only_the_checkpoint(tmp_path)


def test_resume(interrupted, command, flags, tmp_path, calibrated_folder):
    outcome = command("calibrate", *flags(), "--resume")
    assert outcome.code == 0
    assert "nothing to resume" not in outcome.err
    assert not (tmp_path / "out.partial").exists()
    expected = outputs(calibrated_folder)
    got = outputs(tmp_path / "out")
    assert got.keys() == expected.keys() == {"t2.keras", "t4.keras"}
    for name, values in expected.items():
        np.testing.assert_array_equal(got[name], values)


def test_what_is_finished_is_not_lost_without_resume(
    interrupted, command, flags, tmp_path, monkeypatch
):
    monkeypatch.setattr(model_files, "load_keras_model", None)
    for more in ([], ["--overwrite"]):
        outcome = command("calibrate", *flags(), *more)
        assert outcome.code == 1
        assert "interrupted run keeps its finished segments" in outcome.err
        assert "Add --resume, or remove that folder" in outcome.err
        assert only_the_checkpoint(tmp_path)


def test_nothing_to_resume_starts_from_the_beginning(command, flags, tmp_path):
    outcome = command("calibrate", *flags(), "--resume")
    assert outcome.code == 0
    folder = tmp_path / "out.partial"
    text = f"nothing to resume at '{folder}': starting from the beginning"
    assert outcome.err.splitlines()[0] == text
    assert not folder.exists()


OTHER_RUNS = {
    "T": ({"timesteps": "2"}, "timesteps ([2, 4] there, [2] now)"),
    "lag": ({"lag": "1"}, "lag (0 there, 1 now)"),
    "seed": ({"seed": "1"}, "seed (0 there, 1 now)"),
    "data": ({"scale": "1/128"}, "Different: data."),
    "pipeline": ({"damping": "0.5"}, "pipeline (other steps"),
    "conversion": ({"reset": "hard"}, "conversion ({'reset': 'soft'} there"),
}


@pytest.mark.parametrize(
    ("changes", "text"), OTHER_RUNS.values(), ids=OTHER_RUNS
)
def test_another_run_is_not_resumed(
    interrupted, command, flags, tmp_path, changes, text
):
    outcome = command("calibrate", *flags(**changes), "--resume")
    assert (outcome.code, outcome.out) == (1, "")
    assert "belongs to another calibration" in outcome.err
    assert text in outcome.err
    assert "to go on" not in outcome.err
    assert only_the_checkpoint(tmp_path)


def test_another_model_is_not_resumed(interrupted, command, flags, tmp_path):
    model = tiny_network()
    model.layers[1].bias.assign([0.125] * 4)
    model.save(tmp_path / "other.keras")
    changes = {"model": tmp_path / "other.keras"}
    outcome = command("calibrate", *flags(**changes), "--resume")
    assert outcome.code == 1
    assert "Different: model." in outcome.err
    assert only_the_checkpoint(tmp_path)


def interrupt(*arguments, **options):
    raise KeyboardInterrupt


def refuse(*arguments, **options):
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize(
    ("failure", "code", "text"),
    [(interrupt, 130, "interrupted"), (refuse, 1, "The disk is full")],
    ids=["interrupt", "full disk"],
)
def test_failure_to_write_the_models_loses_no_segment(
    command, flags, tmp_path, monkeypatch, failure, code, text
):
    with monkeypatch.context() as patch:
        patch.setattr(keras.Model, "save", failure)
        outcome = command("calibrate", *flags())
    assert outcome.code == code
    assert text in outcome.err
    assert only_the_checkpoint(tmp_path)
    monkeypatch.setattr(visit.Visit, "calibrate", None)
    assert command("calibrate", *flags(), "--resume").code == 0


KILLED = """
import os, signal, sys
from tfsnn.calibration.checkpoint import Checkpoint
from tfsnn_tools import main

save = Checkpoint.save

def save_and_die(self, finished):
    save(self, finished)
    os.kill(os.getpid(), signal.SIGKILL)

Checkpoint.save = save_and_die
main.run(sys.argv)
"""


@pytest.mark.slow
def test_a_killed_process_is_resumed_by_others(
    flags, tmp_path, calibrated_folder
):
    arguments = ["calibrate", *map(str, flags()), "--resume"]
    for finished in (1, 2):
        killed = subprocess.run(
            [sys.executable, "-c", KILLED, *arguments],
            capture_output=True,
            text=True,
        )
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        assert not (tmp_path / "out").exists()
        files = list((tmp_path / "out.partial").glob("*.npz"))
        assert len(files) == finished
    program = "import sys; from tfsnn_tools import main; sys.exit(main.run())"
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "out.partial").exists()
    expected = outputs(calibrated_folder)
    for name, values in outputs(tmp_path / "out").items():
        np.testing.assert_array_equal(values, expected[name])
