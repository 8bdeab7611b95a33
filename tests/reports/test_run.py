import json

import pytest

from tests.support.run_records import calibration, record
from tfsnn.errors import ReportError
from tfsnn.reports import read_run


def written(folder, name, content):
    folder.mkdir(exist_ok=True)
    text = content if isinstance(content, str) else json.dumps(content)
    (folder / name).write_text(text)
    return folder


def test_evaluated_folder(tmp_path):
    folder = written(tmp_path / "light", "evaluation.json", record())
    run = read_run(folder)
    assert (run.name, run.record) == ("light", json.loads(json.dumps(record())))


def test_folder_that_was_only_calibrated(tmp_path):
    folder = written(tmp_path / "c", "calibration.json", calibration((4, 8)))
    run = read_run(str(folder))
    assert [p["timesteps"] for p in run.record["points"]] == [4, 8]
    assert run.record["points"][0]["evaluation"] is None
    assert run.record["calibration"]["num_images"] == 128


def test_an_evaluation_is_read_first(tmp_path):
    folder = written(tmp_path / "r", "evaluation.json", record())
    written(folder, "calibration.json", calibration())
    assert read_run(folder).record["points"][0]["evaluation"] is not None


def point():
    return record()["points"][0]


def with_points(*points):
    return {**record(), "points": list(points)}


BAD = {
    "no JSON": ("evaluation.json", "{", "JSONDecodeError"),
    "another schema": ("evaluation.json", {"schema": "x/1"}, "schema is 'x/1'"),
    "no object": ("evaluation.json", [1], "schema is None"),
    "no points": (
        "evaluation.json",
        {**record(), "points": []},
        "lacks points",
    ),
    "entries missing": (
        "evaluation.json",
        {k: v for k, v in record().items() if k != "thresholds"},
        r"lacks \['thresholds'\]",
    ),
    "bad calibration": (
        "evaluation.json",
        {**record(), "calibration": {"timesteps": [4]}},
        r"lacks \['pipeline', 'seed', 'steps'\]",
    ),
    "points are no objects": ("evaluation.json", with_points(1), "lacks"),
    "points are no list": (
        "evaluation.json",
        {**record(), "points": {"a": 1}},
        "'points' are no list",
    ),
    "a point without rasters": (
        "evaluation.json",
        with_points({k: v for k, v in point().items() if k != "rasters"}),
        r"an entry of 'points' lacks \['rasters'\]",
    ),
    "half an evaluation": (
        "evaluation.json",
        with_points({**point(), "evaluation": {"accuracy": 1.0}}),
        "a point at T = 4 is incomplete",
    ),
    "half a diagnosis": (
        "evaluation.json",
        with_points({**point(), "diagnosis": {"layers": [1]}}),
        "a point at T = 4 is incomplete",
    ),
    "bad rasters": (
        "evaluation.json",
        with_points({**point(), "rasters": [{"layer": "x"}]}),
        "an entry of 'rasters' lacks",
    ),
    "bad thresholds": (
        "evaluation.json",
        {**record(), "thresholds": 5},
        "'thresholds' are no list",
    ),
    "no steps": (
        "calibration.json",
        {**calibration(), "steps": None},
        "'steps' are no list",
    ),
    "pipeline is a text": (
        "calibration.json",
        {**calibration(), "pipeline": "light"},
        "'pipeline' is no object",
    ),
    "bad calibration alone": ("calibration.json", {}, "lacks"),
    "calibration is no object": ("calibration.json", 5, "lacks"),
}


@pytest.mark.parametrize("name", BAD)
def test_record_that_cannot_be_read(tmp_path, name):
    file, content, message = BAD[name]
    folder = written(tmp_path / "r", file, content)
    with pytest.raises(ReportError, match=message):
        read_run(folder)


def test_no_run(tmp_path):
    with pytest.raises(ReportError, match="which is not there"):
        read_run(tmp_path / "nothing")
    (tmp_path / "file").write_text("")
    with pytest.raises(ReportError, match="which is a file"):
        read_run(tmp_path / "file")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ReportError, match="holds neither"):
        read_run(tmp_path / "empty")
