"""Modules of the user: their layers, rules and functions."""

import importlib
import pathlib
import sys
import types

from absl import app, flags


def define(values: flags.FlagValues) -> None:
    """Declares `--import`."""
    flags.DEFINE_list(
        "import",
        [],
        "Python modules that are imported first, installed or in the current"
        " folder; what they register (Keras classes, tfsnn.register_rule) is"
        " then known. Their code is run: name only what you trust.",
        flag_values=values,
    )


def load(options: flags.FlagValues) -> None:
    """Imports what `--import` names.

    Args:
        options: Parsed flags of `define`.

    Raises:
        absl.app.UsageError: If a module cannot be imported.
    """
    for name in options["import"].value:
        try:
            imported(name)
        except Exception as error:  # It runs, so it can raise anything.
            raise app.UsageError(
                f"Received --import={name}, which cannot be imported:"
                f" {type(error).__name__}: {error}. Supported: an installed"
                " module or a file in the current folder, by its name without"
                " .py. Check the name, and that `python -c 'import"
                f" {name}'` works."
            ) from error


def imported(name: str) -> types.ModuleType:
    """Imports a module, also from the current folder.

    Args:
        name: Its dotted name.

    Returns:
        The module.

    Raises:
        ImportError: If there is no such module; or what its code raises.
    """
    folder = str(pathlib.Path.cwd())
    sys.path.append(folder)
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(folder)
