"""Measures source files with `ast` and `tokenize`: sizes, signatures, bans."""

import ast
import io
import tokenize
from collections.abc import Iterator

Function = ast.FunctionDef | ast.AsyncFunctionDef
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
DOCUMENTED = (ast.Module, ast.ClassDef, *FUNCTIONS)
LAYOUT = {
    tokenize.COMMENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
    tokenize.INDENT,
    tokenize.NEWLINE,
    tokenize.NL,
}
# Their signatures are Keras's, and so is the meaning of their arguments.
KERAS_CONTRACT = {
    "build",
    "call",
    "compute_mask",
    "compute_output_shape",
    "compute_output_spec",
    "from_config",
    "get_initial_state",
}


def code_lines(source: str) -> set[int]:
    """Numbers of the lines with code: no blanks, comments, docstrings."""
    lines = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in LAYOUT:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, DOCUMENTED) and _docstring(node) is not None:
            text = node.body[0]
            lines.difference_update(range(text.lineno, text.end_lineno + 1))
    return lines


def _docstring(node) -> str | None:
    return ast.get_docstring(node, clean=False)


def functions(source: str) -> Iterator[Function]:
    """Every function and method, nested ones too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, FUNCTIONS):
            yield node


def long_functions(source: str, limit: int) -> list[str]:
    """Functions with more than `limit` code lines."""
    lines = code_lines(source)
    sizes = {
        f"{node.name} (line {node.lineno})": len(
            lines & set(range(node.lineno, node.end_lineno + 1))
        )
        for node in functions(source)
    }
    return [f"{name}: {size}" for name, size in sizes.items() if size > limit]


def banned_statements(source: str) -> list[str]:
    """`print`, `assert`, star imports and bare `except`."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and _name(node.func) == "print":
            found.append(f"print (line {node.lineno})")
        elif isinstance(node, ast.Assert):
            found.append(f"assert (line {node.lineno})")
        elif isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
            found.append(f"star import (line {node.lineno})")
        elif isinstance(node, ast.ExceptHandler) and node.type is None:
            found.append(f"bare except (line {node.lineno})")
    return found


def _name(node: ast.expr) -> str | None:
    return node.id if isinstance(node, ast.Name) else None


def public_definitions(source: str) -> Iterator[tuple[str, ast.AST]]:
    """Public functions and classes, and the public methods of the latter."""
    for node in ast.parse(source).body:
        if not isinstance(node, (ast.ClassDef, *FUNCTIONS)):
            continue
        if node.name.startswith("_"):
            continue
        yield node.name, node
        if isinstance(node, ast.ClassDef):
            for member in node.body:
                if isinstance(member, FUNCTIONS):
                    yield f"{node.name}.{member.name}", member


def undocumented(source: str) -> list[str]:
    """Public names without a docstring; magic methods need none."""
    return [
        f"{name} (line {node.lineno})"
        for name, node in public_definitions(source)
        if not node.name.startswith("_") and _docstring(node) is None
    ]


def parameters(name: str, node: Function) -> list[ast.arg]:
    """Parameters of a function, without `self` and the starred ones."""
    every = [*node.args.posonlyargs, *node.args.args]
    static = any(_name(d) == "staticmethod" for d in node.decorator_list)
    if "." in name and not static:
        every = every[1:]
    return [*every, *node.args.kwonlyargs]


def public_functions(source: str) -> Iterator[tuple[str, Function]]:
    """Public functions and methods, constructors included."""
    for name, node in public_definitions(source):
        private = node.name.startswith("_") and node.name != "__init__"
        if isinstance(node, FUNCTIONS) and not private:
            yield name, node


def wide_functions(source: str, limit: int) -> list[str]:
    """Public functions with more than `limit` parameters."""
    sizes = {
        name: len(parameters(name, node))
        for name, node in public_functions(source)
    }
    return [f"{name}: {size}" for name, size in sizes.items() if size > limit]


def unannotated(source: str) -> list[str]:
    """Parameters of public functions without a type annotation."""
    return [
        f"{name}: {parameter.arg} (line {parameter.lineno})"
        for name, node in public_functions(source)
        if "." not in name or node.name not in KERAS_CONTRACT
        for parameter in parameters(name, node)
        if parameter.annotation is None
    ]
