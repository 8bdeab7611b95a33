"""The generator of the BUILD files, on a little tree."""

import pytest

from tfsnn_tools import build_files

TREE = {
    "tfsnn/__init__.py": "from .layers import Layer",
    "tfsnn/errors.py": "import numpy",
    "tfsnn/layers/__init__.py": "from .neuron import Layer",
    "tfsnn/layers/neuron.py": (
        "from ..errors import A\n"
        "from . import state\n"
        "def f():\n"
        "    from tfsnn.layers.shape import g\n"
    ),
    "tfsnn/layers/shape.py": "from tfsnn.not_there import x",
    "tfsnn/layers/state.py": "",
    "models/__init__.py": "",
    "tools/__init__.py": "",
    "tools/main.py": "import tfsnn\nfrom tfsnn_models import resnet\n",
}

NEURON_RULE = """\
py_library(
    name = "neuron",
    srcs = ["neuron.py"],
    deps = [
        ":__init__",
        ":shape",
        ":state",
        "//tfsnn:errors",
    ],
)
"""

MAIN_RULE = """\
py_library(
    name = "main",
    srcs = ["main.py"],
    deps = [
        "//models:__init__",
        "//tfsnn:__init__",
    ],
)
"""

STATE_RULE = """\
py_library(
    name = "state",
    srcs = ["state.py"],
)
"""


@pytest.fixture
def tree(tmp_path):
    for name, text in TREE.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def run(tree, *flags):
    return build_files.main(["build_files", f"--root={tree}", *flags])


@pytest.mark.parametrize(
    ("build", "rule"),
    [
        pytest.param("tfsnn/layers/BUILD", NEURON_RULE, id="relative-lazy"),
        pytest.param("tfsnn/layers/BUILD", STATE_RULE, id="no-dependency"),
        pytest.param("tools/BUILD", MAIN_RULE, id="other-folders"),
        pytest.param(
            "tfsnn/BUILD", 'deps = ["//tfsnn/layers:__init__"],', id="init"
        ),
    ],
)
def test_rule(tree, build, rule):
    run(tree)
    assert rule in (tree / build).read_text()


def test_every_folder_gets_a_file(tree):
    run(tree)
    written = {p.relative_to(tree).as_posix() for p in tree.rglob("BUILD")}
    assert written == {
        "models/BUILD",
        "tfsnn/BUILD",
        "tfsnn/layers/BUILD",
        "tools/BUILD",
    }


def test_check_passes_after_writing(tree):
    assert run(tree) == 0
    assert run(tree, "--check") == 0


def test_second_run_writes_nothing(tree, capsys):
    run(tree)
    capsys.readouterr()
    run(tree)
    assert capsys.readouterr().out == ""


def test_check_names_a_changed_file_and_leaves_it(tree, capsys):
    run(tree)
    (tree / "tools/BUILD").write_text("")
    assert run(tree, "--check") == 1
    assert "tools/BUILD is stale. Run: make" in capsys.readouterr().out
    assert (tree / "tools/BUILD").read_text() == ""


def test_check_names_a_missing_file(tree):
    assert run(tree, "--check") == 1
    assert not (tree / "tools/BUILD").exists()


def test_file_of_an_emptied_folder_is_removed(tree):
    (tree / "models/old").mkdir()
    (tree / "models/old/BUILD").write_text(build_files.HEADER)
    assert run(tree, "--check") == 1
    run(tree)
    assert not (tree / "models/old/BUILD").exists()
