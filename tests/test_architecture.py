"""The floors of the house, and the size and manners of its rooms.

Every checker used here is itself tested on bad snippets, in
`tests/support/test_imports.py` and `tests/support/test_rooms.py`.
"""

import pytest

from tests.support import checkout, imports, rooms

pytestmark = pytest.mark.checkout

# A module imports only from lower floors and from its own room; rooms on one
# floor are siblings and do not see each other. `tfsnn` alone is its
# `__init__.py`. A new room needs a floor here.
FLOORS = {
    "tfsnn_tools": 9,
    "tfsnn": 8,
    "tfsnn.serving": 8,
    "tfsnn_models": 8,
    "tfsnn.baselines": 7,
    "tfsnn.exchange": 7,
    "tfsnn.export": 7,
    "tfsnn.reports": 7,
    "tfsnn.calibration": 6,
    "tfsnn.evaluation": 6,
    "tfsnn.conversion": 5,
    "tfsnn.graph": 4,
    "tfsnn.layers": 3,
    "tfsnn.dynamics": 2,
    "tfsnn.batches": 1,
    "tfsnn.image_arrays": 1,
    "tfsnn.numerics": 1,
    "tfsnn.backend": 1,
    "tfsnn.extras": 1,
    "tfsnn.free_memory": 1,
    "tfsnn.progress": 1,
    "tfsnn.errors": 0,
    "tfsnn.inputs": 0,
    "tfsnn.types": 0,
    "tfsnn.version": 0,
}

# What a package must not import, whatever the floor; private parts of Keras
# and TensorFlow are closed to all.
PRIVATE = {"keras.src", "tensorflow.keras", "tensorflow.python"}
BANS = {
    "tfsnn": {"tfsnn_models", "tfsnn_tools", *PRIVATE},
    "tfsnn_models": {"tfsnn", "tfsnn_tools", *PRIVATE},
    "tfsnn_tools": PRIVATE,
    "tfsnn.numerics": {"keras", "tensorflow"},
    "tfsnn.dynamics": {"keras"},
}

MAX_FILE_LINES = 250
MAX_FUNCTION_LINES = 60
MAX_PARAMETERS = 7

SOURCES = checkout.sources()
GRAPH = imports.project_graph(SOURCES)
every_module = pytest.mark.parametrize("name", sorted(SOURCES))
library_module = pytest.mark.parametrize(
    "name", sorted(checkout.sources("tfsnn"))
)


def none_of(problems):
    assert not problems, "\n".join(problems)


def test_every_module_has_a_floor():
    none_of(imports.homeless(SOURCES, FLOORS))


def test_every_folder_is_a_package():
    parents = {name.rpartition(".")[0] for name in SOURCES} - {""}
    none_of(sorted(parents - SOURCES.keys()))


def test_imported_modules_exist():
    none_of(imports.unresolved(SOURCES))


def test_no_import_goes_up_or_sideways():
    none_of(imports.upward(GRAPH, FLOORS))


def test_no_import_cycle():
    none_of(imports.cycles(GRAPH))


def test_no_forbidden_import():
    none_of(imports.forbidden(SOURCES, BANS))


@every_module
def test_file_is_short(name):
    assert len(rooms.code_lines(SOURCES[name])) <= MAX_FILE_LINES


@every_module
def test_functions_are_short(name):
    none_of(rooms.long_functions(SOURCES[name], MAX_FUNCTION_LINES))


@library_module
def test_no_banned_statement(name):
    none_of(rooms.banned_statements(SOURCES[name]))


@library_module
def test_public_names_are_documented(name):
    none_of(rooms.undocumented(SOURCES[name]))


@library_module
def test_public_functions_have_few_parameters(name):
    none_of(rooms.wide_functions(SOURCES[name], MAX_PARAMETERS))


@library_module
def test_public_parameters_are_annotated(name):
    none_of(rooms.unannotated(SOURCES[name]))
