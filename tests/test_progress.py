import sys

import pytest

from tfsnn import progress


def advance(shown, total=3):
    """Does three units of a job."""
    with progress.progress_bar(
        total, description="working", unit="piece", shown=shown
    ) as bar:
        bar.update()
        bar.update(2)


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(progress, "SECONDS_A_LINE", 0)


def test_lines_without_a_terminal(impatient, capsys):
    advance(True)
    assert capsys.readouterr().err == (
        "working: 1 of 3 pieces, 0 s\nworking: 3 of 3 pieces, 0 s\n"
    )


def test_unknown_total(impatient, capsys):
    advance(True, total=None)
    assert "working: 3 pieces, 0 s\n" in capsys.readouterr().err


@pytest.mark.parametrize("shown", [None, False])
def test_nothing_without_a_terminal(impatient, capsys, shown):
    advance(shown)
    assert capsys.readouterr().err == ""


def test_a_short_job_writes_no_line(capsys):
    advance(True)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("shown", "drawn"), [(True, True), (None, True), (False, False)]
)
def test_bar_on_a_terminal(monkeypatch, capsys, shown, drawn):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    advance(shown)
    assert ("working: 100%" in capsys.readouterr().err) == drawn
