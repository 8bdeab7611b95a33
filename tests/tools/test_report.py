import json

import pytest

from tests.support.run_records import record


@pytest.fixture
def runs(tmp_path):
    """Two folders of runs."""
    for name in ("light", "fitted"):
        (tmp_path / name).mkdir()
        text = json.dumps(record(timesteps=(4,)))
        (tmp_path / name / "evaluation.json").write_text(text)
    return [tmp_path / "light", tmp_path / "fitted"]


def test_html_and_text(command, runs, tmp_path):
    path = tmp_path / "report.html"
    outcome = command("report", *runs, f"--output={path}")
    assert outcome.code == 0
    assert "<svg" in path.read_text(encoding="utf-8")
    assert "light: T = 4: the logits are off by" in outcome.out
    assert f"Written: {path}" in outcome.out
    assert "T" in outcome.out.split()


def test_a_file_is_not_replaced_unasked(command, runs, tmp_path):
    path = tmp_path / "report.html"
    path.write_text("mine")
    outcome = command("report", *runs, f"--output={path}")
    assert outcome.code == 1
    assert "--overwrite" in outcome.err
    assert path.read_text() == "mine"
    outcome = command("report", runs[0], f"--output={path}", "--overwrite")
    assert outcome.code == 0
    assert path.read_text() != "mine"


@pytest.mark.parametrize("flag", ["--json", "--text"])
def test_nothing_is_written(command, runs, tmp_path, monkeypatch, flag):
    monkeypatch.chdir(tmp_path)
    outcome = command("report", *runs, flag)
    assert outcome.code == 0
    assert not (tmp_path / "report.html").exists()
    if flag == "--json":
        names = [run["name"] for run in json.loads(outcome.out)["runs"]]
        assert names == ["light", "fitted"]


def test_summaries_too(command, runs, tmp_path):
    outcome = command(
        "report", *runs, "--text", f"--tensorboard={tmp_path / 'logs'}"
    )
    assert outcome.code == 0
    assert len(list((tmp_path / "logs").iterdir())) == 2


def test_folder_of_a_calibration(command, calibrated_folder):
    outcome = command("report", calibrated_folder, "--text")
    assert outcome.code == 0
    assert "light" in outcome.out


def test_no_run(command):
    outcome = command("report")
    assert (outcome.code, "RUN is missing." in outcome.err) == (2, True)


@pytest.mark.parametrize("flag", ["--text", "--output=r.html"])
def test_json_alone(command, runs, flag):
    outcome = command("report", *runs, "--json", flag)
    assert outcome.code == 2
    assert "Leave one out" in outcome.err


def test_output_that_is_a_folder(command, runs, tmp_path):
    outcome = command("report", *runs, f"--output={tmp_path}", "--overwrite")
    assert outcome.code == 1
    assert "which is a folder" in outcome.err


def test_run_that_is_none(command, tmp_path):
    outcome = command("report", tmp_path)
    assert outcome.code == 1
    assert "holds neither" in outcome.err
