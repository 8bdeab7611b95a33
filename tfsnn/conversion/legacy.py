"""Models of the older world: `.h5` files, tf_keras, and what is made with it.

Whatever needs tf_keras runs in a process of its own, so that `tf.keras` of
this process stays what it is.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
from typing import Any

import h5py
import keras
import numpy as np

from tfsnn.errors import ModelFileError

CHILD = pathlib.Path(__file__).with_name("legacy_child.py")
SECONDS = 600.0
MISSING = 3
TOLERANCE = 1e-4
TFMOT = ("PruneLowMagnitude", "ClusterWeights", "QuantizeLayer", "QuantizeWrap")
SUPPORTED = (
    "Supported: Functional and Sequential models of tf_keras, also pruned,"
    " clustered or quantisation-aware ones, as an object, an .h5 or .keras"
    " file, or a SavedModel folder of tf_keras."
)
_KERNEL = ("kernel_initializer", "kernel_regularizer", "kernel_constraint")
# Written by Keras 2 without a meaning (groups are 1), not known to Keras 3.
_DROPPED = {
    "DepthwiseConv1D": ("groups",),
    "DepthwiseConv2D": ("groups",),
    "SeparableConv1D": ("groups", *_KERNEL),
    "SeparableConv2D": ("groups", *_KERNEL),
    "Conv1DTranspose": ("groups",),
    "Conv2DTranspose": ("groups",),
    "Conv3DTranspose": ("groups",),
}


def load_legacy_model(
    source: Any, *, python: str | os.PathLike | None = None
) -> keras.Model:
    """Rebuilds a model of Keras 2 in Keras 3, without wrappers.

    Wrappers of tensorflow_model_optimization are stripped: pruned weights stay
    0, clustered ones shared. Of quantisation-aware models the kernels are the
    quantised ones; activations are not rounded, for a spiking neuron rounds
    them itself. The outputs are compared.

    Args:
        source: A tf_keras model, or the path of its file or folder.
        python: Interpreter in which tf_keras (and
            tensorflow-model-optimization) are installed; this one if None.
            Not needed for plain `.h5` files.

    Returns:
        A Keras 3 model, not compiled.

    Raises:
        ModelFileError: If there is no such file, it is not a whole model, a
            package is missing, or the outputs differ.
    """
    with tempfile.TemporaryDirectory(prefix="tfsnn-") as name:
        folder = pathlib.Path(name)
        path = _as_path(source, folder)
        wrapped = _is_wrapped(path)
        if _is_plain(path) and not wrapped:
            shutil.copyfile(path, folder / "plain.h5")
            return _rebuilt(folder / "plain.h5", path)
        job = {"path": str(path.resolve()), "needs_tfmot": wrapped}
        (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")
        _run_child(folder, path, python)
        model = _rebuilt(folder / "plain.h5", path)
        _compare(model, folder, path)
        return model


def _as_path(source: Any, folder: pathlib.Path) -> pathlib.Path:
    if isinstance(source, keras.Model):
        raise ModelFileError(
            f"Received the Keras 3 model '{source.name}'. {SUPPORTED} It needs"
            " no rebuilding: pass it to tfsnn.convert."
        )
    if isinstance(source, (str, os.PathLike)):
        path = pathlib.Path(source)
        if not path.exists():
            raise ModelFileError(
                f"Received '{path}', but there is no such file. {SUPPORTED}"
                " Check the path."
            )
        return path
    module = type(source).__module__
    if not hasattr(source, "save") or "keras" not in module:
        raise ModelFileError(
            f"Received a {module}.{type(source).__name__}. {SUPPORTED} Pass one"
            " of these."
        )
    path = folder / "given.h5"
    source.save(path, include_optimizer=False)
    return path


def _is_plain(path: pathlib.Path) -> bool:
    return path.is_file() and path.suffix in (".h5", ".hdf5")


def _is_wrapped(path: pathlib.Path) -> bool:
    """Whether a file or folder names classes of the optimisation toolkit."""
    if path.is_dir():
        files = [path / "keras_metadata.pb", path / "config.json"]
    else:
        files = [path]
    words = [word.encode() for word in TFMOT]
    found = (file.read_bytes() for file in files if file.is_file())
    if path.suffix == ".keras":
        found = iter([_keras_config(path)])
    return any(word in content for content in found for word in words)


def _keras_config(path: pathlib.Path) -> bytes:
    import zipfile

    if not zipfile.is_zipfile(path):
        return b""
    with zipfile.ZipFile(path) as archive:
        return archive.read("config.json")


def _run_child(folder, path, python):
    command = [os.fspath(python or sys.executable), "child.py", str(folder)]
    shutil.copyfile(CHILD, folder / "child.py")
    environment = {**os.environ, "TF_USE_LEGACY_KERAS": "1"}
    environment.pop("PYTHONPATH", None)
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ModelFileError(
            f"The process that reads '{path}' failed: {error}. Supported: a"
            " Python with tf_keras, and up to ten minutes. Check python=..."
        ) from error
    lines = done.stderr.strip().splitlines() or ["no reason given"]
    if done.returncode == MISSING:
        raise ModelFileError(
            f"'{path}' needs the package {lines[-1]}, which"
            f" '{command[0]}' does not have. Supported: pip install"
            " 'tfsnn[tfmot]' for tf_keras. tensorflow-model-optimization asks"
            " for an older absl-py than tfsnn, so it goes into an environment"
            " of its own: pip install tf_keras tensorflow-model-optimization"
            " there, and pass its interpreter as python=..."
        )
    if done.returncode:
        last = "\n".join(lines[-5:])
        raise ModelFileError(
            f"Received '{path}', which tf_keras cannot load or strip. It"
            f" says:\n{last}\n{SUPPORTED} Save the model itself anew."
        )


def _rebuilt(plain: pathlib.Path, path: pathlib.Path) -> keras.Model:
    try:
        _update_config(plain)
        model = keras.models.load_model(plain, compile=False, safe_mode=True)
    except Exception as error:  # Keras and h5py raise many types here.
        first = next(iter(str(error).strip().splitlines()), "no reason given")
        raise ModelFileError(
            f"Received '{path}', which Keras 3 cannot rebuild:"
            f" {type(error).__name__}: {first[:300]}. {SUPPORTED} Replace"
            " layers of your own by those of Keras, or load the model in"
            " Python with custom_objects and pass it to tfsnn.convert."
        ) from error
    if not isinstance(model, keras.Model):
        raise ModelFileError(
            f"Received '{path}', which holds no model. {SUPPORTED} Save the"
            " model itself."
        )
    return _with_plain_structure(model)


def _with_plain_structure(model: keras.Model) -> keras.Model:
    """No lists of one: Keras 3 would warn at each call with a tensor."""
    if isinstance(model, keras.Sequential) or len(model.inputs) > 1:
        return model
    outputs = model.outputs if len(model.outputs) > 1 else model.outputs[0]
    return keras.Model(model.inputs[0], outputs, name=model.name)


def _update_config(path: pathlib.Path) -> None:
    """Drops what Keras 3 does not know from the configuration in a file."""
    with h5py.File(path, "r+") as file:
        text = file.attrs.get("model_config")
        if text is None:
            return  # Keras says so.
        config = json.loads(text)
        _drop(config)
        file.attrs["model_config"] = json.dumps(config)


def _drop(node: Any) -> None:
    if isinstance(node, list):
        for one in node:
            _drop(one)
    elif isinstance(node, dict):
        names = _DROPPED.get(node.get("class_name"), ())
        config = node.get("config")
        for name in names if isinstance(config, dict) else ():
            if name in config and (name != "groups" or config[name] == 1):
                del config[name]
        for one in node.values():
            _drop(one)


def _compare(model: keras.Model, folder, path) -> None:
    with np.load(folder / "images.npz") as stored:
        images = list(stored.values())
    with np.load(folder / "outputs.npz") as stored:
        wanted = list(stored.values())
    given = images[0] if len(images) == 1 else images
    outputs = model(given, training=False)
    for got, expected in zip(keras.tree.flatten(outputs), wanted, strict=True):
        got = keras.ops.convert_to_numpy(got)
        difference = np.abs(got - expected).max(initial=0)
        if not difference <= TOLERANCE * np.abs(expected).max(initial=0):
            raise ModelFileError(
                f"Received '{path}', whose outputs in Keras 3 differ by"
                f" {difference:.2e} from those in tf_keras. Supported: up to"
                f" {TOLERANCE:.0e} of the largest. Check layers of your own."
            )
