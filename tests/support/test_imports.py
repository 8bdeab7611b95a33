"""The import checkers find what is bad, and only that."""

import pytest

from tests.support import imports

FLOORS = {
    "app.errors": 0,
    "app.numerics": 1,
    "app.layers": 2,
    "app.reports": 3,
    "app.export": 3,
    "app": 4,
    "app_tools": 5,
}


def house(**changes):
    """A sound little project; keywords replace sources, `__` for a dot."""
    sources = {
        "app": "from .layers import Layer",
        "app.errors": "",
        "app.numerics": "from .response import rate",
        "app.numerics.response": "import numpy as np",
        "app.numerics.energy": "from app.numerics.response import rate",
        "app.layers": "from .neuron import Layer",
        "app.layers.neuron": "from ..numerics import rate",
        "app.reports": "",
        "app.reports.table": "from ..errors import AppError",
        "app.export": "",
        "app.export.writer": "",
        "app_tools": "",
        "app_tools.main": "import app\nfrom app_tools import export",
        "app_tools.export": "",
    }
    renamed = {key.replace("__", "."): text for key, text in changes.items()}
    return {**sources, **renamed}


def upward(**changes):
    return imports.upward(imports.project_graph(house(**changes)), FLOORS)


def cycles(**changes):
    return imports.cycles(imports.project_graph(house(**changes)))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param("import a.b as c", {"a.b"}, id="plain"),
        pytest.param("import a, b", {"a", "b"}, id="two"),
        pytest.param("from a import b", {"a", "a.b"}, id="from"),
        pytest.param("from . import b", {"p.q", "p.q.b"}, id="own-package"),
        pytest.param("from .r import b", {"p.q.r", "p.q.r.b"}, id="sibling"),
        pytest.param("from ..r import b", {"p.r", "p.r.b"}, id="aunt"),
        pytest.param("def f():\n  import a", {"a"}, id="lazy"),
        pytest.param("if X:\n  import a", {"a"}, id="conditional"),
        pytest.param("text = 'import a'", set(), id="string"),
    ],
)
def test_imported_names(source, expected):
    assert imports.imported_names(source, "p.q") == expected


def test_relative_import_in_an_init_starts_at_the_package():
    graph = imports.project_graph(house())
    assert graph["app.layers"] == {"app.layers.neuron"}


def test_import_of_a_submodule_is_an_import_of_the_package_too():
    graph = imports.project_graph(house())
    assert graph["app_tools.main"] == {"app", "app_tools", "app_tools.export"}


def test_import_of_a_name_is_an_import_of_its_module_only():
    graph = imports.project_graph(house())
    assert graph["app.numerics.energy"] == {"app.numerics.response"}


def test_sound_house_has_no_problem():
    sources = house()
    assert upward() == []
    assert cycles() == []
    assert imports.homeless(sources, FLOORS) == []
    assert imports.unresolved(sources) == []


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        pytest.param(
            {"app__numerics__response": "from ..layers import Layer"},
            "app.numerics.response (floor 1) imports app.layers (floor 2)",
            id="up",
        ),
        pytest.param(
            {"app__numerics__response": "def f():\n  import app.layers.neuron"},
            "app.numerics.response (floor 1)"
            " imports app.layers.neuron (floor 2)",
            id="up-lazily",
        ),
        pytest.param(
            {"app__reports__table": "from ..export import writer"},
            "app.reports.table (floor 3) imports app.export.writer (floor 3)",
            id="sideways",
        ),
        pytest.param(
            {"app__layers__neuron": "from app import errors"},
            "app.layers.neuron (floor 2) imports app (floor 4)",
            id="through-the-root",
        ),
        pytest.param(
            {"app__layers__neuron": "import app_tools.main"},
            "app.layers.neuron (floor 2) imports app_tools.main (floor 5)",
            id="tools",
        ),
    ],
)
def test_upward_import_is_found(changes, problem):
    assert problem in upward(**changes)


@pytest.mark.parametrize(
    ("changes", "members"),
    [
        pytest.param(
            {
                "app__numerics__response": "from .energy import joules",
                "app__numerics__energy": "from .response import rate",
            },
            ["app.numerics.energy", "app.numerics.response"],
            id="two-modules",
        ),
        pytest.param(
            {
                "app__numerics__response": "def f():\n  from . import energy",
            },
            ["app.numerics", "app.numerics.energy", "app.numerics.response"],
            id="own-init-lazily",
        ),
        pytest.param(
            {"app__layers__neuron": "from app.layers import Layer"},
            ["app.layers", "app.layers.neuron"],
            id="own-init",
        ),
    ],
)
def test_cycle_is_found(changes, members):
    assert cycles(**changes) == [members]


def test_two_cycles_are_told_apart():
    graph = {"a": {"b"}, "b": {"a"}, "c": {"d", "a"}, "d": {"c"}, "e": {"a"}}
    assert imports.cycles(graph) == [["a", "b"], ["c", "d"]]


@pytest.mark.parametrize("name", ["app.cellar", "app.cellar.wine", "other"])
def test_module_without_a_floor_is_found(name):
    assert imports.homeless([name], FLOORS) == [name]


@pytest.mark.parametrize(
    "source",
    ["import app.nowhere.at_all", "from .missing import x"],
    ids=["absolute", "relative"],
)
def test_import_of_a_missing_module_is_found(source):
    problems = imports.unresolved(house(app__layers__neuron=source))
    assert len(problems) == 1
    assert problems[0].endswith("no such module")


@pytest.mark.parametrize(
    ("source", "count"),
    [
        pytest.param("import tensorflow as tf", 1, id="module"),
        pytest.param("from tensorflow import function", 2, id="from"),
        pytest.param("import tensorflow.compat.v1", 1, id="submodule"),
        pytest.param("def f():\n  import tensorflow", 1, id="lazy"),
        pytest.param("import tensorflow_datasets", 0, id="other-package"),
        pytest.param("import numpy", 0, id="allowed"),
    ],
)
def test_forbidden_import_is_found(source, count):
    sources = house(app__numerics__response=source)
    bans = {"app.numerics": {"tensorflow"}}
    assert len(imports.forbidden(sources, bans)) == count


def test_ban_ends_at_the_package():
    sources = house(app__layers__neuron="import tensorflow")
    assert imports.forbidden(sources, {"app.numerics": {"tensorflow"}}) == []
