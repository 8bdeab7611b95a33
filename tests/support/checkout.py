"""Where the source tree is, and under which import name each folder goes."""

import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]

FOLDERS = {
    "tfsnn": ROOT / "tfsnn",
    "tfsnn_models": ROOT / "models",
    "tfsnn_tools": ROOT / "tools",
}


def modules() -> dict[str, pathlib.Path]:
    """Import names to files; a package stands for its `__init__.py`."""
    found = {}
    for package, folder in FOLDERS.items():
        for path in sorted(folder.rglob("*.py")):
            parts = path.relative_to(folder).parts[:-1]
            if path.stem != "__init__":
                parts = (*parts, path.stem)
            found[".".join((package, *parts))] = path
    return found


def sources(*packages: str) -> dict[str, str]:
    """Import names to source text, of all packages or of those named."""
    return {
        name: path.read_text(encoding="utf-8")
        for name, path in modules().items()
        if not packages or name.partition(".")[0] in packages
    }
