"""Writes `.nir` files that all versions of the package can read."""

import pathlib
import types
from typing import Any

import h5py
import numpy as np

from .new_file import new_file


def write_nir(nir: types.ModuleType, graph: Any, path: pathlib.Path) -> None:
    """Writes a graph, whole or not at all.

    Args:
        nir: The package.
        graph: An `NIRGraph`.
        path: File to write or to replace; missing parents are made.

    Raises:
        ExportError: If it cannot be written.
    """
    with new_file(path) as partial:
        nir.write(partial, graph)
        _drop_zero_resets(partial)


def _drop_zero_resets(path: pathlib.Path) -> None:
    """Leaves out `v_reset` where it is 0, the default.

    Versions of nir up to 1.0.4 do not know it and refuse the file.
    """
    with h5py.File(path, "r+") as file:
        for node in file["node/nodes"].values():
            if "v_reset" in node and not np.any(node["v_reset"][()]):
                del node["v_reset"]
