import os
import subprocess
import sys
import types

import pytest
from absl import app, flags

from tfsnn import errors
from tfsnn_tools import check, main


def fail_with(monkeypatch, error):
    def raise_it(argv):
        raise error

    monkeypatch.setattr(check, "main", raise_it)


def in_fresh_process(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, **environment},
    )


@pytest.mark.parametrize("flag", main.HELP)
def test_help_lists_every_command_once(command, flag):
    outcome = command(flag)
    assert outcome.code == 0
    assert outcome.err == ""
    for name, text in main.COMMANDS.items():
        assert f"  {name:<16}{text}\n" in outcome.out


def test_lines_of_the_help_are_short():
    assert max(map(len, main.overview().splitlines())) <= 80


def test_no_command_is_a_usage_error(command):
    outcome = command()
    assert outcome.code == 2
    assert outcome.out == ""
    assert outcome.err.startswith("usage: tfsnn COMMAND")


@pytest.mark.parametrize(
    ("name", "hint"),
    [("chek", "Did you mean 'check'?"), ("exprot", "Did you mean 'export'?")],
)
def test_unknown_command_gets_the_nearest(command, name, hint):
    outcome = command(name)
    assert outcome.code == 2
    assert f"Received the command '{name}'" in outcome.err
    assert hint in outcome.err
    assert "See: tfsnn --help" in outcome.err


def test_unknown_command_far_from_all(command):
    outcome = command("zzz")
    assert outcome.code == 2
    assert "Did you mean" not in outcome.err


@pytest.mark.parametrize("name", ["version", "--version"])
def test_version(command, name):
    outcome = command(name)
    assert outcome.code == 0
    assert [line.split()[0] for line in outcome.out.splitlines()] == [
        "tfsnn",
        "tensorflow",
        "keras",
        "numpy",
        "python",
    ]


def test_help_and_version_do_not_import_tensorflow():
    result = in_fresh_process(
        "import sys; from tfsnn_tools import main;"
        "main.run(['tfsnn', '--help']); main.run(['tfsnn', 'version']);"
        "main.run(['tfsnn', 'nothing']);"
        "main.run(['tfsnn', 'benchmark', 'simulation', '--help']);"
        "main.run(['tfsnn', 'benchmark', 'calibration', '--help']);"
        "main.run(['tfsnn', 'benchmark', 'accuracy', '--help']);"
        "sys.exit(bool({'tensorflow', 'keras', 'numpy'} & set(sys.modules)))"
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("flag", ["--help", "--helpfull", "-h"])
@pytest.mark.parametrize("name", [n for n in main.COMMANDS if n != "version"])
def test_help_of_a_command(command, name, flag):
    outcome = command(name, flag)
    assert outcome.code == 0
    assert outcome.out.startswith(f"usage: tfsnn {name}")
    assert max(map(len, outcome.out.splitlines())) <= 80


@pytest.mark.parametrize("name", main.BENCHMARKS)
def test_help_of_a_benchmark(command, name):
    outcome = command("benchmark", name, "--help")
    assert outcome.code == 0
    assert outcome.out.startswith(f"usage: tfsnn benchmark {name} ")
    assert max(map(len, outcome.out.splitlines())) <= 80


def test_benchmarks_are_listed(command):
    listed = command("benchmark", "--help").out
    for name, text in main.BENCHMARKS.items():
        assert f"  {name:<16}{text}\n" in listed
    without_name = command("benchmark")
    assert (without_name.code, without_name.err) == (2, listed)


def test_unknown_benchmark(command):
    outcome = command("benchmark", "acuracy")
    assert outcome.code == 2
    assert "Received the command 'benchmark acuracy'" in outcome.err
    assert "Did you mean 'accuracy'?" in outcome.err
    assert "See: tfsnn benchmark --help" in outcome.err


def test_unknown_flag_is_a_usage_error(command):
    outcome = command("check", "model.keras", "--jsn")
    assert outcome.code == 2
    assert "Unknown command line flag 'jsn'. Did you mean: json" in outcome.err
    assert "See: tfsnn check --help" in outcome.err


@pytest.mark.parametrize(
    "error",
    [
        errors.TfsnnError("what happened"),
        errors.DataError("what happened"),
        errors.ExportError("what happened"),
        OSError("what happened"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_mistakes_are_explained(command, monkeypatch, error):
    fail_with(monkeypatch, error)
    outcome = command("check", "model.keras")
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err == "error: what happened\n"


@pytest.mark.parametrize("kind", [app.UsageError, flags.Error])
def test_usage_errors_have_their_own_code(command, monkeypatch, kind):
    fail_with(monkeypatch, kind("what happened"))
    outcome = command("check", "model.keras")
    assert outcome.code == 2
    assert outcome.err.startswith("error: what happened\n")


@pytest.mark.parametrize("kind", [ValueError, TypeError, KeyError])
def test_faults_of_the_program_keep_their_traceback(command, monkeypatch, kind):
    fail_with(monkeypatch, kind("a fault"))
    with pytest.raises(kind, match="a fault"):
        command("check", "model.keras")


@pytest.mark.parametrize("kind", [ValueError, TypeError, ImportError])
def test_built_in_errors_raised_by_this_project_are_explained(tmp_path, kind):
    assert explain_from(tmp_path, "tfsnn.some", f"raise {kind.__name__}('x')")


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("elsewhere", "raise ValueError('x')"),
        ("tfsnn_not_ours", "raise ValueError('x')"),
        ("tfsnn.some", "int('x')"),
        ("tfsnn.some", "raise KeyError('x')"),
    ],
)
def test_other_built_in_errors_are_not(tmp_path, module, line):
    assert explain_from(tmp_path, module, line) is None


def explain_from(tmp_path, module, line):
    """What is said about an error of a line in a module of that name."""
    path = tmp_path / "module.py"
    path.write_text(f"{line}\n")
    scope = types.ModuleType(module).__dict__
    try:
        exec(compile(path.read_text(), str(path), "exec"), scope)
    except Exception as error:
        return main.explanation(error)
    raise AssertionError(line)


def test_an_error_that_was_never_raised_has_no_explanation():
    assert main.explanation(ValueError("x")) is None


def test_interruption(command, monkeypatch):
    fail_with(monkeypatch, KeyboardInterrupt())
    outcome = command("check", "model.keras")
    assert (outcome.code, outcome.err) == (130, "interrupted\n")


def test_broken_pipe_is_silent(command, monkeypatch):
    fail_with(monkeypatch, BrokenPipeError())
    outcome = command("check", "model.keras")
    assert (outcome.code, outcome.err) == (141, "")


def test_a_reader_that_leaves_early_causes_no_noise():
    result = subprocess.run(
        f"{sys.executable} -c 'import time, sys;"
        "from tfsnn_tools import main; time.sleep(0.3);"
        'sys.exit(main.run(["tfsnn", "--help"]))\' | true',
        shell=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.stderr == ""


@pytest.mark.parametrize("backend", main.OTHER_BACKENDS)
def test_backend_that_is_not_installed_is_explained(backend):
    error = ModuleNotFoundError(f"No module named '{backend}'", name=backend)
    assert "Set KERAS_BACKEND=tensorflow" in main.explanation(error)


def test_another_backend_is_refused():
    result = in_fresh_process(
        "import sys; from tfsnn_tools import main;"
        "sys.exit(main.run(['tfsnn', 'check', 'x.keras']))",
        KERAS_BACKEND="jax",
    )
    assert result.returncode == 1
    assert "KERAS_BACKEND=tensorflow" in result.stderr
    assert "Traceback" not in result.stderr
