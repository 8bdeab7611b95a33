"""The public names of tfsnn and of its subpackages, as text."""

import importlib
import pathlib
import pkgutil

import tfsnn

PATH = pathlib.Path(__file__).with_suffix(".txt")


def packages() -> list[str]:
    """`tfsnn` and every package below it whose name is public."""
    found = pkgutil.walk_packages(tfsnn.__path__, "tfsnn.")
    below = [module.name for module in found if module.ispkg]
    return ["tfsnn", *(name for name in below if "._" not in name)]


def listed(package: str) -> list[str]:
    """What a package lists in `__all__`; nothing if it lists nothing."""
    return list(getattr(importlib.import_module(package), "__all__", []))


def render() -> str:
    """One full name a line, sorted."""
    names = {f"{pkg}.{name}" for pkg in packages() for name in listed(pkg)}
    return "".join(f"{name}\n" for name in sorted(names))
