"""Reads Keras models from files; runs no code that is stored in them."""

import hashlib
import pathlib
import re
import zipfile

import h5py
import keras

from tfsnn import layers  # noqa: F401  Registers what spiking models hold.
from tfsnn.conversion import load_legacy_model
from tfsnn.errors import ModelFileError

SUPPORTED = (
    "Supported: whole Keras models in .keras or .h5 files, from"
    " model.save('NAME.keras')."
)
# Wording of Keras's own errors.
UNSAFE = "arbitrary code execution"
UNKNOWN = re.compile(r"(?:Could not locate \w+|Unknown [\w ]+:) '?([\w.>]+)")
KERAS, HDF5 = (".keras",), (".h5", ".hdf5")


def load_keras_model(path: str | pathlib.Path) -> keras.Model:
    """Loads a network, analog or spiking.

    Args:
        path: A `.keras` or `.h5` file.

    Returns:
        The model, not compiled.

    Raises:
        ModelFileError: If there is no such file, or it is not a whole, intact
            model of known layers.
    """
    path = pathlib.Path(path)
    problem = _problem(path)
    if problem:
        raise ModelFileError(f"Received '{path}', {problem}")
    try:
        model = _loaded(path)
    except ModelFileError:
        raise
    except Exception as error:  # Keras raises many types here.
        raise ModelFileError(
            f"Received '{path}', which cannot be loaded: {_reason(error)}"
        ) from error
    if not isinstance(model, keras.Model):
        raise ModelFileError(
            f"Received '{path}', which holds a {type(model).__name__}, not a"
            f" model. {SUPPORTED} Save the model itself."
        )
    return model


def _loaded(path: pathlib.Path):
    if path.suffix.lower() not in HDF5:
        return keras.models.load_model(path, compile=False, safe_mode=True)
    try:
        return load_legacy_model(path)
    except ModelFileError as error:
        # What Keras says is explained here, in words for this command line.
        raise error.__cause__ or error from None


def sha256(path: str | pathlib.Path) -> str:
    """SHA-256 of a file, 64 hexadecimal digits."""
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def _problem(path: pathlib.Path) -> str | None:
    """What can be said before Keras reads the file."""
    if path.is_dir():
        return f"which is a folder. {SUPPORTED} Name a file." + _inside(path)
    if not path.is_file():
        return f"but there is no such file. {SUPPORTED} Check the path."
    suffix = path.suffix.lower()
    if suffix not in (*KERAS, *HDF5):
        return (
            f"whose name ends with '{path.suffix}'. {SUPPORTED} Save the model"
            " in one of these formats."
        )
    if suffix in KERAS and not zipfile.is_zipfile(path):
        return (
            "which is not a .keras file: it is damaged, cut off, or of another"
            f" format. {SUPPORTED} Copy or save it anew."
        )
    if suffix in HDF5 and not h5py.is_hdf5(path):
        return (
            "which is not an HDF5 file: it is damaged, cut off, or of another"
            f" format. {SUPPORTED} Copy or save it anew."
        )
    return None


def _inside(folder: pathlib.Path) -> str:
    """Names the first models in a folder, as a remedy."""
    found = sorted(path for path in folder.iterdir() if path.suffix in KERAS)
    if not found:
        return ""
    return f" In it are: {', '.join(str(path) for path in found[:5])}."


def _reason(error: Exception) -> str:
    """Why Keras refused, and what to do."""
    text = str(error).strip()
    if UNSAFE in text:
        return (
            "it holds a Lambda layer or other Python code, which loading would"
            " run. Supported: models without stored code. Replace it by Keras"
            " layers or keras.ops calls and save the model again; or, in"
            " Python, trust it: keras.models.load_model(path,"
            " safe_mode=False), and tfsnn.convert with"
            " ConversionConfig(affine=(NAME,))."
        )
    unknown = UNKNOWN.search(text)
    if unknown:
        return (
            f"its class or function '{unknown[1]}' is not known here."
            " Supported on the command line: the layers of Keras and of tfsnn,"
            " and what a module of yours registers. Name it, --import=MODULE"
            " (tfsnn check, calibrate, evaluate, export), or load the model in"
            " Python, keras.models.load_model(path, custom_objects={...}), and"
            " call tfsnn.convert."
        )
    first = next(iter(text.splitlines()), "no reason given")[:300]
    return (
        f"{type(error).__name__}: {first.rstrip('.')}. {SUPPORTED} Save it"
        f" anew with a Keras of today (here {keras.__version__})."
    )
