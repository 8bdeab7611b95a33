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
        "working: 1 of 3 pieces, 0 s, 0 s left\nworking: 3 of 3 pieces, 0 s\n"
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


def test_time_that_is_left(impatient, capsys, monkeypatch):
    times = iter([0.0, 10.0, 12.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(times))
    with progress.progress_bar(
        6, description="working", unit="piece", shown=True
    ) as bar:
        bar.update(2, note="error 0.5")
        bar.update(4)
    assert capsys.readouterr().err == (
        "working: 2 of 6 pieces, 10 s, 20 s left, error 0.5\n"
        "working: 6 of 6 pieces, 12 s\n"
    )


def test_a_log_gets_what_is_not_shown(capsys):
    lines = []
    with progress.listening(lines.append):
        advance(False)
        progress.tell("note")
    progress.tell("too late")
    assert lines == ["working: 3 of 3 pieces, 0 s", "note"]
    assert capsys.readouterr().err == ""


def test_two_logs_get_the_same():
    first, second = [], []
    with (
        progress.listening(first.append),
        progress.listening(second.append),
    ):
        progress.tell("note")
    assert first == second == ["note"]
