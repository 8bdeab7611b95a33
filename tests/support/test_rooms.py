"""The checkers of sizes, signatures and bans find what is bad."""

import textwrap

import pytest

from tests.support import rooms


def code(text):
    return textwrap.dedent(text).lstrip()


COUNTED = code('''
    """A module.

    Its docstring has three lines."""

    # A comment.
    import numpy as np  # counted


    def double(x):
        """Doubles."""

        text = """a string
        of two lines"""
        return 2 * x, text
''')


def test_blank_lines_comments_and_docstrings_are_no_code():
    assert rooms.code_lines(COUNTED) == {6, 9, 12, 13, 14}


def test_long_function_is_found():
    assert rooms.long_functions(COUNTED, limit=3) == ["double (line 9): 4"]


def test_function_at_the_limit_is_accepted():
    assert rooms.long_functions(COUNTED, limit=4) == []


def test_long_method_is_found():
    source = "class A:\n  def f(self):\n    x = 1\n    return x\n"
    assert rooms.long_functions(source, limit=2) == ["f (line 2): 3"]


@pytest.mark.parametrize(
    ("source", "found"),
    [
        pytest.param("print(1)", ["print (line 1)"], id="print"),
        pytest.param("assert x", ["assert (line 1)"], id="assert"),
        pytest.param(
            "from a import *", ["star import (line 1)"], id="star-import"
        ),
        pytest.param(
            "try:\n  f()\nexcept:\n  pass",
            ["bare except (line 3)"],
            id="bare-except",
        ),
        pytest.param("try:\n  f()\nexcept ValueError:\n  g()", [], id="except"),
        pytest.param("log.print(1)", [], id="method-print"),
        pytest.param("from a import b", [], id="import"),
    ],
)
def test_banned_statement_is_found(source, found):
    assert rooms.banned_statements(source) == found


@pytest.mark.parametrize(
    ("source", "found"),
    [
        pytest.param("def f(): ...", ["f (line 1)"], id="function"),
        pytest.param("async def f(): ...", ["f (line 1)"], id="coroutine"),
        pytest.param("class A: ...", ["A (line 1)"], id="class"),
        pytest.param(
            "class A:\n  'Doc.'\n  def f(self): ...",
            ["A.f (line 3)"],
            id="method",
        ),
        pytest.param("def _f(): ...", [], id="private"),
        pytest.param("def f():\n  'Doc.'", [], id="documented"),
        pytest.param(
            "class A:\n  'Doc.'\n  def __len__(self): ...", [], id="magic"
        ),
    ],
)
def test_missing_docstring_is_found(source, found):
    assert rooms.undocumented(source) == found


@pytest.mark.parametrize(
    ("source", "found"),
    [
        pytest.param("def f(a, b, c): ...", ["f: 3"], id="positional"),
        pytest.param("def f(a, *, b, c): ...", ["f: 3"], id="keyword-only"),
        pytest.param("def f(a, b, /, c): ...", ["f: 3"], id="positional-only"),
        pytest.param("def f(a, b, *c, **d): ...", [], id="starred"),
        pytest.param("def _f(a, b, c): ...", [], id="private"),
        pytest.param(
            "class A:\n  def __init__(self, a, b, c): ...",
            ["A.__init__: 3"],
            id="constructor",
        ),
        pytest.param("class A:\n  def f(self, a, b): ...", [], id="self"),
        pytest.param(
            "class A:\n  @staticmethod\n  def f(a, b, c): ...",
            ["A.f: 3"],
            id="static",
        ),
    ],
)
def test_wide_function_is_found(source, found):
    assert rooms.wide_functions(source, limit=2) == found


@pytest.mark.parametrize(
    ("source", "found"),
    [
        pytest.param("def f(a): ...", ["f: a (line 1)"], id="positional"),
        pytest.param("def f(*, a=1): ...", ["f: a (line 1)"], id="keyword"),
        pytest.param("def f(a: int, **b): ...", [], id="annotated"),
        pytest.param("def call(a): ...", ["call: a (line 1)"], id="function"),
        pytest.param(
            "class A:\n  def f(self, a): ...",
            ["A.f: a (line 2)"],
            id="method",
        ),
        pytest.param(
            "class A:\n  def call(self, a): ...", [], id="keras-contract"
        ),
    ],
)
def test_missing_annotation_is_found(source, found):
    assert rooms.unannotated(source) == found
