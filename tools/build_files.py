"""Writes the BUILD files: one rule per Python file, `deps` from its imports.

The BUILD files are the declared architecture of the project; pytest, not
Bazel, runs the tests. Only the standard library is used, so that the files
can be written before anything is installed:

    python tools/build_files.py           rewrites what changed
    python tools/build_files.py --check   only compares; exit code 1 if stale
"""

import argparse
import ast
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
FOLDERS = {"tfsnn": "tfsnn", "tfsnn_models": "models", "tfsnn_tools": "tools"}
HEADER = """\
# Written by `make build-files` from the imports; do not edit.

package(default_visibility = ["//visibility:public"])
"""


def find_modules(root: pathlib.Path) -> dict[str, pathlib.Path]:
    """Maps import names to files, relative to `root`.

    A package stands for its `__init__.py`: `tfsnn.layers` is
    `tfsnn/layers/__init__.py`.
    """
    modules = {}
    for package, folder in FOLDERS.items():
        for path in sorted((root / folder).rglob("*.py")):
            inside = path.relative_to(root / folder).with_suffix("").parts
            if inside[-1] == "__init__":
                inside = inside[:-1]
            name = ".".join((package, *inside))
            modules[name] = path.relative_to(root)
    return modules


def absolute_names(node: ast.stmt, name: str, is_package: bool) -> list[str]:
    """Names one statement imports, as absolute dotted names.

    Args:
        node: Any statement; other statements than imports give no names.
        name: Import name of the module that holds the statement.
        is_package: Whether that module is an `__init__.py`.

    Returns:
        For `from a import b` both `a` and `a.b`, because `b` may be a module.
    """
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    base = node.module or ""
    if node.level:
        parts = name.split(".")
        up = node.level - 1 if is_package else node.level
        parts = parts[: len(parts) - up]
        base = ".".join([*parts, base]) if base else ".".join(parts)
    return [base, *(f"{base}.{alias.name}" for alias in node.names)]


def dependencies(
    name: str, modules: dict[str, pathlib.Path], root: pathlib.Path
) -> set[str]:
    """Modules of the project that `name` imports, lazily or not."""
    path = modules[name]
    tree = ast.parse((root / path).read_text(encoding="utf-8"), str(path))
    is_package = path.name == "__init__.py"
    found = set()
    for node in ast.walk(tree):
        found.update(absolute_names(node, name, is_package))
    return (found & modules.keys()) - {name}


def label(path: pathlib.Path, folder: pathlib.Path) -> str:
    """Bazel label of the rule of `path`, as written in `folder`'s BUILD."""
    if path.parent == folder:
        return f":{path.stem}"
    return f"//{path.parent.as_posix()}:{path.stem}"


def render_rule(path: pathlib.Path, deps: list[str]) -> str:
    """Text of one `py_library`."""
    lines = [f'    name = "{path.stem}",', f'    srcs = ["{path.name}"],']
    if len(deps) == 1:
        lines.append(f'    deps = ["{deps[0]}"],')
    elif deps:
        items = [f'        "{dep}",' for dep in deps]
        lines += ["    deps = [", *items, "    ],"]
    return "\n".join(["py_library(", *lines, ")", ""])


def render_all(root: pathlib.Path) -> dict[pathlib.Path, str]:
    """Text of every BUILD file, by path relative to `root`."""
    modules = find_modules(root)
    texts: dict[pathlib.Path, str] = {}
    for name, path in sorted(modules.items(), key=lambda item: item[1]):
        deps = sorted(
            (
                label(modules[dep], path.parent)
                for dep in dependencies(name, modules, root)
            ),
            key=lambda text: (not text.startswith(":"), text),
        )
        build = path.parent / "BUILD"
        text = texts.get(build, HEADER)
        texts[build] = f"{text}\n{render_rule(path, deps)}"
    return texts


def stale_files(
    root: pathlib.Path, texts: dict[pathlib.Path, str]
) -> list[pathlib.Path]:
    """BUILD files that are missing, differ, or belong to no module."""
    present = {
        path.relative_to(root)
        for folder in FOLDERS.values()
        for path in (root / folder).rglob("BUILD")
    }
    differing = {
        path
        for path, text in texts.items()
        if path not in present
        or (root / path).read_text(encoding="utf-8") != text
    }
    return sorted(differing | (present - texts.keys()))


def main(argv: list[str]) -> int:
    """Writes or checks the BUILD files.

    Args:
        argv: Program name and flags.

    Returns:
        0; with `--check` 1 if a file is stale.
    """
    parser = argparse.ArgumentParser(
        prog="build_files", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--check", action="store_true", help="only compare")
    parser.add_argument("--root", type=pathlib.Path, default=ROOT)
    flags = parser.parse_args(argv[1:])
    texts = render_all(flags.root)
    stale = stale_files(flags.root, texts)
    for path in stale:
        if flags.check:
            print(f"{path} is stale. Run: make build-files")
        elif path in texts:
            (flags.root / path).write_text(texts[path], encoding="utf-8")
            print(f"{path} written")
        else:
            (flags.root / path).unlink()
            print(f"{path} removed")
    return 1 if flags.check and stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
