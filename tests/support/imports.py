"""Reads imports with `ast` and judges them; knows no floor table itself.

A *graph* maps a module to the modules it imports. Names are absolute and
dotted; a package stands for its `__init__.py`. `from package import thing` is
an import of the package, and of `package.thing` where that is a module too.
Lazy imports, inside functions, count like all others.
"""

import ast
import importlib.util

Graph = dict[str, set[str]]


def imported_names(source: str, package: str) -> set[str]:
    """All absolute names a source imports, `thing` of `from` imports included.

    `package` is the package the source lives in; for an `__init__.py` itself.
    """
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            written = "." * node.level + (node.module or "")
            base = importlib.util.resolve_name(written, package)
            names.add(base)
            names.update(f"{base}.{alias.name}" for alias in node.names)
    return names


def packages_of(sources: dict[str, str]) -> set[str]:
    """Names that are packages: some other module lies below them, or a root."""
    return {
        name
        for name in sources
        if "." not in name
        or any(other.startswith(f"{name}.") for other in sources)
    }


def names_by_module(sources: dict[str, str]) -> Graph:
    """Imported names of each module, of the project and of others."""
    packages = packages_of(sources)
    return {
        name: imported_names(
            text, name if name in packages else name.rpartition(".")[0]
        )
        for name, text in sources.items()
    }


def project_graph(sources: dict[str, str]) -> Graph:
    """Edges between the modules of the project."""
    return {
        name: (found & sources.keys()) - {name}
        for name, found in names_by_module(sources).items()
    }


def unresolved(sources: dict[str, str]) -> list[str]:
    """Imports of modules of the project that do not exist."""
    roots = {name.partition(".")[0] for name in sources}
    problems = []
    for name, found in names_by_module(sources).items():
        for target in sorted(found):
            parent = target.rpartition(".")[0]
            if target.partition(".")[0] not in roots or target in sources:
                continue
            if parent not in sources:
                problems.append(f"{name} imports {target}: no such module")
    return problems


def cycles(graph: Graph) -> list[list[str]]:
    """Groups of modules that import each other, directly or in a circle."""
    reach = {name: _reachable(graph, name) for name in graph}
    groups = {
        tuple(sorted(other for other in reach[name] if name in reach[other]))
        for name in graph
        if name in reach[name]
    }
    return [list(group) for group in sorted(groups)]


def _reachable(graph: Graph, start: str) -> set[str]:
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        for target in graph.get(waiting.pop(), ()):
            if target not in seen:
                seen.add(target)
                waiting.append(target)
    return seen


def room_of(name: str, floors: dict[str, int]) -> str | None:
    """The entry of the floor table a module belongs to; None: no floor.

    A root that is no entry as a whole (`tfsnn`) has an entry for its
    `__init__` and one for each room: `tfsnn.numerics.energy` belongs to
    `tfsnn.numerics`, never to `tfsnn`.
    """
    parts = name.split(".")
    split = any(entry.startswith(f"{parts[0]}.") for entry in floors)
    room = ".".join(parts[: 2 if split else 1])
    return room if room in floors else None


def homeless(names, floors: dict[str, int]) -> list[str]:
    """Modules the floor table does not know."""
    return [name for name in sorted(names) if room_of(name, floors) is None]


def upward(graph: Graph, floors: dict[str, int]) -> list[str]:
    """Imports that neither go down nor stay in the room."""
    problems = []
    for name, targets in sorted(graph.items()):
        room = room_of(name, floors)
        for target in sorted(targets):
            other = room_of(target, floors)
            if room is None or other is None or other == room:
                continue
            if floors[other] >= floors[room]:
                problems.append(
                    f"{name} (floor {floors[room]}) imports {target}"
                    f" (floor {floors[other]})"
                )
    return problems


def forbidden(sources: dict[str, str], bans: dict[str, set[str]]) -> list[str]:
    """Imports that a ban excludes.

    `bans` maps a package to the packages that nothing in it may import.
    """
    problems = []
    for name, found in sorted(names_by_module(sources).items()):
        for package, banned in bans.items():
            if f"{name}.".startswith(f"{package}."):
                problems += [
                    f"{name} imports {target}"
                    for target in sorted(found)
                    if any(f"{target}.".startswith(f"{b}.") for b in banned)
                ]
    return problems
