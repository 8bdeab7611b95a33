import os
import subprocess
import sys

import pytest

from tfsnn_tools import quiet_start


def fresh_process(code, **environment):
    kept = {k: v for k, v in os.environ.items() if k != quiet_start.LEVEL}
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=120,
        env={**kept, **environment},
    )


def test_tensorflow_starts_in_silence():
    result = fresh_process(
        "from tfsnn_tools import quiet_start;"
        "quiet_start.import_tensorflow();"
        "import os, sys; print('heard', file=sys.stderr);"
        "print(os.environ['TF_CPP_MIN_LOG_LEVEL'])"
    )
    assert (result.stderr, result.stdout) == ("heard\n", "2\n")


@pytest.mark.parametrize("level", ["0", "1"])
def test_who_asks_for_notes_keeps_stderr(monkeypatch, level):
    monkeypatch.setenv(quiet_start.LEVEL, level)
    monkeypatch.setattr(quiet_start.importlib, "import_module", None)
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    quiet_start.import_tensorflow()
    assert os.environ[quiet_start.LEVEL] == level


def test_level_is_left_alone_once_tensorflow_runs(monkeypatch):
    monkeypatch.delenv(quiet_start.LEVEL, raising=False)
    monkeypatch.setitem(sys.modules, "tensorflow", object())
    quiet_start.import_tensorflow()
    assert quiet_start.LEVEL not in os.environ


def test_notes_reappear_if_the_start_fails(capfd):
    with (
        pytest.raises(ImportError, match="broken"),
        quiet_start._stderr_on_failure(),
    ):
        os.write(2, b"a note\n")
        raise ImportError("broken")
    assert capfd.readouterr().err == "a note\n"


def test_notes_are_dropped_on_success(capfd):
    with quiet_start._stderr_on_failure():
        os.write(2, b"a note\n")
    os.write(2, b"afterwards\n")
    assert capfd.readouterr().err == "afterwards\n"


def test_closed_stderr_is_left_alone(monkeypatch):
    def refuse(descriptor):
        raise OSError("Bad file descriptor")

    monkeypatch.setattr(quiet_start.os, "dup", refuse)
    ran = False
    with quiet_start._stderr_on_failure():
        ran = True
    assert ran


def test_versions_name_what_runs():
    found = quiet_start.versions()
    assert list(found) == [*quiet_start.PACKAGES, "python"]
    assert found["python"].startswith(f"{sys.version_info[0]}.")


def test_versions_of_a_package_that_is_not_installed(monkeypatch):
    monkeypatch.setattr(quiet_start, "PACKAGES", ("no-such-package",))
    found = quiet_start.versions()
    assert found["no-such-package"] == "not installed as a package"


def test_machine_is_one_line():
    assert "cores" in quiet_start.machine()
    assert "\n" not in quiet_start.machine()
