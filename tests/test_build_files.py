"""The BUILD files declare what the imports say, no more and no less."""

import ast
import shutil
import subprocess

import pytest

from tests.support import checkout, imports
from tfsnn_tools import build_files

pytestmark = pytest.mark.checkout

ROOT = checkout.ROOT


def read_rules():
    """Label of every rule in the tree to its sources and dependencies.

    BUILD syntax is a subset of Python's. Nothing of the generator is used.
    """
    rules = {}
    for folder in checkout.FOLDERS.values():
        for path in sorted(folder.rglob("BUILD")):
            package = path.parent.relative_to(ROOT).as_posix()
            for statement in ast.parse(path.read_text("utf-8")).body:
                call = statement.value
                fields = {
                    keyword.arg: ast.literal_eval(keyword.value)
                    for keyword in call.keywords
                }
                if call.func.id == "package":
                    continue
                assert call.func.id == "py_library"
                rules[f"//{package}:{fields['name']}"] = {
                    "srcs": [path.parent / name for name in fields["srcs"]],
                    "deps": [
                        f"//{package}{dep}" if dep[0] == ":" else dep
                        for dep in fields.get("deps", [])
                    ],
                }
    return rules


def label(path):
    return f"//{path.parent.relative_to(ROOT).as_posix()}:{path.stem}"


RULES = read_rules()


def test_every_file_is_in_exactly_one_rule():
    listed = sorted(path for rule in RULES.values() for path in rule["srcs"])
    assert listed == sorted(checkout.modules().values())


def test_every_dependency_is_a_rule():
    missing = {dep for rule in RULES.values() for dep in rule["deps"]}
    assert sorted(missing - RULES.keys()) == []


def test_dependencies_equal_the_imports():
    modules = checkout.modules()
    graph = imports.project_graph(checkout.sources())
    expected = {
        label(modules[name]): sorted(label(modules[t]) for t in targets)
        for name, targets in graph.items()
    }
    declared = {name: sorted(rule["deps"]) for name, rule in RULES.items()}
    assert declared == expected


def test_files_equal_the_generated_text(capsys):
    assert build_files.main(["build_files", "--check"]) == 0, (
        capsys.readouterr().out
    )


def test_workspace_is_one_line():
    assert (ROOT / "WORKSPACE").read_text() == 'workspace(name = "tfsnn")\n'


@pytest.mark.skipif(not shutil.which("bazel"), reason="bazel not on PATH")
def test_bazel_reads_the_files(tmp_path):
    result = subprocess.run(
        [
            "bazel",
            f"--output_user_root={tmp_path}",
            "--batch",
            "query",
            "kind(py_library, //...)",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode == 0, result.stderr
    assert sorted(result.stdout.split()) == sorted(RULES)
