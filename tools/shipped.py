"""Where the network and the images that ship with tfsnn are."""

import pathlib

import tfsnn_models
from tfsnn.errors import DataError, ModelFileError

ROOT = pathlib.Path(tfsnn_models.__file__).parent


def network(name: str) -> pathlib.Path:
    """File of a trained network, for example `resnet20_fashion_mnist`.

    Raises:
        ModelFileError: If the installation has no such file.
    """
    path = ROOT / "weights" / f"{name}.keras"
    if not path.is_file():
        raise ModelFileError(_missing(path))
    return path


def sample(name: str) -> pathlib.Path:
    """File of sample images, for example `fashion_mnist`.

    Raises:
        DataError: If the installation has no such file.
    """
    path = ROOT / "samples" / f"{name}.npz"
    if not path.is_file():
        raise DataError(_missing(path))
    return path


def _missing(path: pathlib.Path) -> str:
    return (
        f"The installation has no '{path}'. Supported: what ships with tfsnn."
        " Install tfsnn again, from a whole checkout or a wheel."
    )
