"""Packages that come with an extra, imported when they are needed."""

import importlib
import types

from .errors import MissingExtraError


def import_extra(module: str, extra: str) -> types.ModuleType:
    """Imports a module of a package that not everybody needs.

    Args:
        module: Its name.
        extra: The extra that installs it.

    Returns:
        The module.

    Raises:
        MissingExtraError: If it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtraError(
            f"'{module}' cannot be imported: {error}. It comes with the extra"
            f" '{extra}'. Run: pip install 'tfsnn[{extra}]'"
        ) from error
