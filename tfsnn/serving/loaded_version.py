"""One version of a model, loaded, and what it demands of a request."""

import pathlib
from collections.abc import Mapping

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2

from tfsnn.errors import RequestError
from tfsnn.export import check_intact
from tfsnn.image_arrays import fits, shape_text

from .c_session import CSession, SessionError

DEFAULT = "serving_default"
_CODES = {3: "INVALID_ARGUMENT", 5: "NOT_FOUND", 8: "RESOURCE_EXHAUSTED"}
_HIDDEN = "__saved_model_init_op"

Signature = meta_graph_pb2.SignatureDef


class LoadedVersion:
    """A SavedModel that answers.

    Attributes:
        number: The version.
        signatures: Name to signature.
    """

    def __init__(self, folder: pathlib.Path, *, max_batch: int):
        """Compares the files with their digests, then loads them.

        Args:
            folder: The version folder.
            max_batch: Most images in a request.

        Raises:
            ModelFileError: If a file is not as it was written.
            RequestError: If TensorFlow does not load it.
        """
        check_intact(folder)
        self.number = int(folder.name)
        self._max_batch = max_batch
        content = (folder / "saved_model.pb").read_bytes()
        model = saved_model_pb2.SavedModel.FromString(content)
        found = model.meta_graphs[0].signature_def
        self.signatures = {
            name: found[name] for name in sorted(found) if name != _HIDDEN
        }
        try:
            self._session = CSession(str(folder))
        except SessionError as error:
            raise RequestError("INTERNAL", str(error)) from error

    def signature(self, name: str) -> Signature:
        """A signature by name; the default one for no name.

        Args:
            name: Its name, or `""`.

        Returns:
            The signature.

        Raises:
            RequestError: If there is none of that name.
        """
        name = name or DEFAULT
        if name not in self.signatures:
            raise RequestError(
                "INVALID_ARGUMENT",
                f"Serving signature key '{name}' not found. Supported:"
                f" {', '.join(self.signatures)}.",
            )
        return self.signatures[name]

    def run(
        self, name: str, inputs: Mapping[str, np.ndarray]
    ) -> dict[str, np.ndarray]:
        """Runs a signature.

        Args:
            name: Its name; `""` for the default one.
            inputs: Input name to array.

        Returns:
            Output name to array.

        Raises:
            RequestError: If the inputs are not those of the signature.
        """
        signature = self.signature(name)
        check_names(signature, inputs)
        for key in sorted(inputs):
            self._check(key, inputs[key], signature.inputs[key])
        try:
            return self._session.run(name or DEFAULT, inputs)
        except SessionError as error:
            code = _CODES.get(error.code, "INTERNAL")
            raise RequestError(code, str(error)) from error

    def _check(self, key, value, info) -> None:
        """Refuses a value before TensorFlow does, with a plainer text."""
        sizes = [dim.size for dim in info.tensor_shape.dim]
        shape = [None if size == -1 else size for size in sizes]
        dtype = tf.dtypes.as_dtype(info.dtype)
        wanted = f"{dtype.name} {shape_text(shape[1:])}"
        if (
            not fits(value.shape, shape)
            or tf.dtypes.as_dtype(value.dtype) != dtype
        ):
            raise RequestError(
                "INVALID_ARGUMENT",
                f"Input '{key}' is {_name(value)} {list(value.shape)}."
                f" Supported: {wanted}. Send such a tensor.",
            )
        if len(value) > self._max_batch:
            raise RequestError(
                "INVALID_ARGUMENT",
                f"Input '{key}' is a batch of {len(value)}, larger than the"
                f" maximum input batch size {self._max_batch}. Send several"
                " requests, or raise max_batch_size in batching.config.",
            )

    def close(self) -> None:
        """Frees it; no request may be running."""
        self._session.close()


def check_names(signature: Signature, names: Mapping | set) -> None:
    """Refuses inputs that are not those of a signature.

    Args:
        signature: The signature.
        names: Names of what was sent.

    Raises:
        RequestError: If one is missing or too much.
    """
    wanted = set(signature.inputs)
    if set(names) == wanted:
        return
    extra, missing = sorted(set(names) - wanted), sorted(wanted - set(names))
    raise RequestError(
        "INVALID_ARGUMENT",
        f"input size does not match signature: {len(names)} inputs for"
        f" {len(wanted)}. Sent extra: {extra}. Missing but required:"
        f" {missing}. Supported: {sorted(wanted)}.",
    )


def _name(value: np.ndarray) -> str:
    return "string" if value.dtype == object else value.dtype.name
