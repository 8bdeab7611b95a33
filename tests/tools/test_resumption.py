import pytest

from tfsnn.errors import CheckpointError, ExportError
from tfsnn_tools import resumption


@pytest.mark.parametrize("output", ["a/out", "a/out/", "a/b/../out"])
def test_is_a_sibling_of_the_output(tmp_path, monkeypatch, output):
    monkeypatch.chdir(tmp_path)
    assert resumption.folder_of(output) == tmp_path / "a" / "out.partial"


def test_check_takes_a_place_where_nothing_is(tmp_path):
    resumption.check(tmp_path / "out", resume=False)
    resumption.check(tmp_path / "out", resume=True)
    assert not list(tmp_path.iterdir())


def test_what_is_there_is_refused_without_resume(tmp_path):
    (tmp_path / "out.partial").mkdir()
    resumption.check(tmp_path / "out", resume=True)
    for start in (resumption.check, use):
        with pytest.raises(
            ExportError, match="out.partial' is: an inter.*anew"
        ):
            start(tmp_path / "out", resume=False)


def use(output, *, resume, error=None):
    with resumption.kept_until_done(output, resume=resume) as folder:
        folder.mkdir(exist_ok=True)
        (folder / "segment").write_text("x")
        if error is not None:
            raise error


def test_is_removed_on_success(tmp_path, capsys):
    use(tmp_path / "out", resume=False)
    assert not list(tmp_path.iterdir())
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(28, "full")])
def test_is_kept_and_said_on_failure(tmp_path, capsys, error):
    with pytest.raises(type(error)):
        use(tmp_path / "out", resume=False, error=error)
    assert (tmp_path / "out.partial" / "segment").exists()
    assert "out.partial': run the same command" in capsys.readouterr().err
    use(tmp_path / "out", resume=True)
    assert capsys.readouterr().err == ""
    assert not list(tmp_path.iterdir())


def test_a_refused_checkpoint_stays_and_has_its_own_text(tmp_path, capsys):
    (tmp_path / "out.partial").mkdir()
    with pytest.raises(CheckpointError, match="other"):
        use(tmp_path / "out", resume=True, error=CheckpointError("other"))
    assert capsys.readouterr().err == ""
    assert (tmp_path / "out.partial").exists()


def test_nothing_to_resume_is_said(tmp_path, capsys):
    use(tmp_path / "out", resume=True)
    assert "nothing to resume at '" in capsys.readouterr().err


def test_failure_before_anything_is_kept_says_nothing(tmp_path, capsys):
    with (
        pytest.raises(KeyboardInterrupt),
        resumption.kept_until_done(tmp_path / "out", resume=False),
    ):
        raise KeyboardInterrupt
    assert capsys.readouterr().err == ""
    assert not list(tmp_path.iterdir())
