import json
import shutil

import pytest

from tests.support.tiny import tiny_network
from tfsnn import CalibrationResult
from tfsnn.errors import ModelFileError
from tfsnn_tools.pipeline_names import PIPELINES
from tfsnn_tools.stored_calibration import pipeline_of, read, timesteps_of


@pytest.fixture
def folder(calibrated_folder, tmp_path):
    """A copy that may be damaged."""
    return shutil.copytree(calibrated_folder, tmp_path / "copy")


def test_folder(calibrated_folder):
    stored = read(calibrated_folder)
    record = json.loads((calibrated_folder / "calibration.json").read_text())
    assert list(stored) == [2, 4]
    assert stored.timesteps == (2, 4)
    assert len(stored) == 2
    written = stored.to_dict()
    assert written == {name: record[name] for name in written}


def test_models_are_loaded_once(calibrated_folder):
    stored = read(calibrated_folder)
    assert timesteps_of(stored[4]) == 4
    assert stored[4] is stored[4]


def test_one_file_takes_its_part_of_the_record(calibrated_folder):
    stored = read(calibrated_folder / "t4.keras")
    record = stored.to_dict()
    assert list(stored) == [4]
    assert timesteps_of(stored[4]) == 4
    assert record["timesteps"] == [4]
    assert {step["timesteps"] for step in record["steps"]} == {4}
    assert record["pipeline"]["name"] == "light"


def test_one_file_without_a_record(calibrated_folder, tmp_path):
    shutil.copy(calibrated_folder / "t4.keras", tmp_path / "mine.keras")
    assert list(read(tmp_path / "mine.keras")) == [4]


def test_record_of_another_file_is_not_taken(folder):
    (folder / "t4.keras").rename(folder / "mine.keras")
    assert not isinstance(read(folder / "mine.keras"), CalibrationResult)


def test_analog_model(network_file):
    with pytest.raises(ModelFileError, match="no spiking layers.*Calibrate"):
        read(network_file)


def test_folder_without_a_record(tmp_path):
    with pytest.raises(ModelFileError, match="holds no calibration.json"):
        read(tmp_path)


def test_missing_model(folder):
    (folder / "t4.keras").unlink()
    with pytest.raises(ModelFileError, match="t4.keras of its .* is missing"):
        read(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"timesteps": [2]}'])
def test_damaged_record(folder, text):
    (folder / "calibration.json").write_text(text)
    with pytest.raises(ModelFileError, match="cannot be read.*again"):
        read(folder)


def test_record_of_before_there_were_fields(folder):
    path = folder / "calibration.json"
    record = json.loads(path.read_text())
    del record["preprocessing_fields"]
    path.write_text(json.dumps(record))
    stored = read(folder)
    assert stored.provenance["preprocessing"] == "x * 0.00392156863"
    assert "preprocessing_fields" not in stored.provenance


def test_record_of_before_there_were_latencies(folder):
    path = folder / "calibration.json"
    record = json.loads(path.read_text())
    written = {int(T): n for T, n in record.pop("latency_steps").items()}
    path.write_text(json.dumps(record))
    assert read(folder).latency_steps == written == {2: 2, 4: 4}


def test_damaged_fields(folder):
    path = folder / "calibration.json"
    record = json.loads(path.read_text())
    record["preprocessing_fields"]["scale"] = 0
    path.write_text(json.dumps(record))
    with pytest.raises(ModelFileError, match="cannot be read .*scale=0"):
        read(folder)


def test_missing_file(tmp_path):
    with pytest.raises(ModelFileError, match="no such file"):
        read(tmp_path / "no.keras")


def test_timesteps_of_an_analog_model():
    assert timesteps_of(tiny_network()) is None


@pytest.mark.parametrize("name", PIPELINES)
def test_every_pipeline_comes_back(name):
    pipeline = PIPELINES[name]()
    text = json.dumps(pipeline.to_dict())
    assert pipeline_of(json.loads(text)) == pipeline


def test_a_search_comes_back(command, network_file, images_file, tmp_path):
    """A budget that only the first candidate fits into."""
    outcome = command(
        "calibrate",
        f"--model={network_file}",
        f"--data=npz:{images_file}:calibration",
        "--scale=1/255",
        "--timesteps=2",
        "--pipeline=best",
        "--budget=1e-6",
        f"--output={tmp_path / 'found'}",
    )
    assert outcome.code == 0, outcome.err
    stored = read(tmp_path / "found")
    record = json.loads((tmp_path / "found/calibration.json").read_text())
    written = stored.to_dict()
    assert written == {name: record[name] for name in written}
    assert [t.chosen for t in stored.trials] == [True, *5 * [False]]
