"""Asks a server for what a spiking network makes of images.

Works with TensorFlow Serving and with `tfsnn serve`, over gRPC and REST.
"""

import base64
import dataclasses
import http.client
import json
import urllib.parse
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from tfsnn.errors import RequestError

from .messages import address, plain_text
from .stubs import apis, grpc_package

GRPC_PORT, REST_PORT = 8500, 8501
SECONDS = 60.0
_SUPPORTED_REST = (
    "Supported: TensorFlow Serving's REST interface. Check host and port."
)
_REST_CODES = {400: "INVALID_ARGUMENT", 404: "NOT_FOUND", 501: "UNIMPLEMENTED"}


@dataclasses.dataclass(frozen=True)
class Target:
    """Which model a request is for.

    Attributes:
        model: Its name.
        label: Label of a version, or None.
        version: Number of a version, or None; with neither, the highest.
    """

    model: str
    label: str | None = None
    version: int | None = None

    def __post_init__(self):
        """Refuses both, and what is no version.

        Raises:
            ValueError: If label and version are given, or the version is no
                number that servers have.
        """
        if self.version is not None and not 0 <= self.version < 2**63:
            raise ValueError(
                f"version={self.version}. Supported: 0 to 2**63 - 1. Take one"
                " that the server has, see status()."
            )
        if self.label is not None and self.version is not None:
            raise ValueError(
                f"label={self.label!r} and version={self.version}. Supported:"
                " one of them, or neither. Leave one out."
            )


class GrpcClient:
    """Requests over gRPC; use it in a `with` block."""

    def __init__(
        self, host: str, port: int = GRPC_PORT, *, seconds: float = SECONDS
    ):
        """Opens a channel; nothing is sent yet.

        Args:
            host: Name or address of the server.
            port: Its gRPC port.
            seconds: How long an answer may take.

        Raises:
            MissingExtraError: If the extra `serving` is not installed.
        """
        self._grpc = grpc_package()
        self._where = address(host, port)
        self._seconds = seconds
        self._channel = self._grpc.insecure_channel(
            self._where,
            options=[
                ("grpc.max_receive_message_length", -1),
                ("grpc.max_send_message_length", -1),
            ],
        )
        predictions = apis("prediction_service_pb2_grpc")
        models = apis("model_service_pb2_grpc")
        self._predictions = predictions.PredictionServiceStub(self._channel)
        self._models = models.ModelServiceStub(self._channel)

    def predict(
        self,
        target: Target,
        inputs: Mapping[str, np.ndarray],
        *,
        signature: str = "serving_default",
    ) -> dict[str, np.ndarray]:
        """Runs a signature.

        Args:
            target: Which model.
            inputs: Input name to array; files as object arrays of bytes.
            signature: Name of the signature.

        Returns:
            Output name to array.

        Raises:
            RequestError: If the server refuses, or does not answer.
        """
        request = apis("predict_pb2").PredictRequest()
        _set_spec(request.model_spec, target)
        request.model_spec.signature_name = signature
        for name, value in inputs.items():
            request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
        response = self._call(self._predictions.Predict, request)
        return {
            name: tf.make_ndarray(value)
            for name, value in response.outputs.items()
        }

    def signatures(self, target: Target) -> dict[str, Any]:
        """Names of the signatures to their `SignatureDef`.

        Args:
            target: Which model.

        Returns:
            Name to message.

        Raises:
            RequestError: If the server refuses, or does not answer.
        """
        messages = apis("get_model_metadata_pb2")
        request = messages.GetModelMetadataRequest()
        _set_spec(request.model_spec, target)
        request.metadata_field.append("signature_def")
        response = self._call(self._predictions.GetModelMetadata, request)
        found = messages.SignatureDefMap()
        response.metadata["signature_def"].Unpack(found)
        return dict(found.signature_def)

    def status(self, target: Target) -> dict[int, str]:
        """Versions to their state, for example `"AVAILABLE"`.

        Args:
            target: Which model.

        Returns:
            Version to state.

        Raises:
            RequestError: If the server refuses, or does not answer.
        """
        messages = apis("get_model_status_pb2")
        request = messages.GetModelStatusRequest()
        _set_spec(request.model_spec, target)
        response = self._call(self._models.GetModelStatus, request)
        names = messages.ModelVersionStatus.State
        return {
            status.version: names.Name(status.state)
            for status in response.model_version_status
        }

    def _call(self, method, request):
        try:
            return method(request, timeout=self._seconds)
        except self._grpc.RpcError as error:
            code = error.code().name
            text = plain_text(error.details() or code)
            if code in ("UNAVAILABLE", "DEADLINE_EXCEEDED"):
                text = _unreachable(self._where, text)
            raise RequestError(code, text) from error

    def __enter__(self) -> "GrpcClient":
        """The client itself."""
        return self

    def __exit__(self, *error) -> None:
        """Closes the channel."""
        self._channel.close()


class RestClient:
    """Requests over REST; use it in a `with` block."""

    def __init__(
        self, host: str, port: int = REST_PORT, *, seconds: float = SECONDS
    ):
        """Names the server; nothing is sent yet.

        Args:
            host: Name or address of the server.
            port: Its REST port.
            seconds: How long an answer may take.
        """
        self._where = address(host, port)
        self._connection = http.client.HTTPConnection(
            host.strip("[]"), port, timeout=seconds
        )

    def predict(
        self,
        target: Target,
        inputs: Mapping[str, np.ndarray],
        *,
        signature: str = "serving_default",
    ) -> dict[str, np.ndarray]:
        """Runs a signature.

        Args:
            target: Which model.
            inputs: Input name to array; files as object arrays of bytes.
            signature: Name of the signature.

        Returns:
            Output name to array, as JSON gives the numbers back; of a
            signature with one output, which REST does not name, under `""`.

        Raises:
            RequestError: If the server refuses, or does not answer.
        """
        columns = {name: _plain(value) for name, value in inputs.items()}
        body = {"signature_name": signature, "inputs": columns}
        outputs = self._field(
            self._send("POST", f"{_path(target)}:predict", body), "outputs"
        )
        if not isinstance(outputs, dict):
            outputs = {"": outputs}
        return {name: np.array(value) for name, value in outputs.items()}

    def status(self, target: Target) -> dict[int, str]:
        """Versions to their state, for example `"AVAILABLE"`.

        Args:
            target: Which model.

        Returns:
            Version to state.

        Raises:
            RequestError: If the server refuses, or does not answer.
        """
        found = self._send("GET", _path(target))
        return {
            int(one["version"]): one["state"]
            for one in self._field(found, "model_version_status")
        }

    def _field(self, answer: Any, name: str) -> Any:
        if isinstance(answer, dict) and name in answer:
            return answer[name]
        raise RequestError(
            "INTERNAL",
            f"{self._where} answered without '{name}'. {_SUPPORTED_REST}",
        )

    def _send(self, method, path, body=None) -> Any:
        content = None if body is None else json.dumps(body)
        try:
            self._connection.request(method, path, content)
            response = self._connection.getresponse()
            status, text = response.status, response.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise RequestError(
                "UNAVAILABLE", _unreachable(self._where, error)
            ) from error
        try:
            answer = json.loads(text)
        except ValueError as error:
            raise RequestError(
                "INTERNAL",
                f"{self._where} answered with {status} and no JSON."
                f" {_SUPPORTED_REST}",
            ) from error
        if status != 200:
            code = _REST_CODES.get(status, "INTERNAL")
            told = answer.get("error") if isinstance(answer, dict) else None
            raise RequestError(code, plain_text(str(told or text)))
        return answer

    def __enter__(self) -> "RestClient":
        """The client itself."""
        return self

    def __exit__(self, *error) -> None:
        """Closes the connection."""
        self._connection.close()


def _set_spec(spec, target: Target) -> None:
    spec.name = target.model
    if target.label is not None:
        spec.version_label = target.label
    if target.version is not None:
        spec.version.value = target.version


def _path(target: Target) -> str:
    path = f"/v1/models/{_quoted(target.model)}"
    if target.label is not None:
        return f"{path}/labels/{_quoted(target.label)}"
    if target.version is not None:
        return f"{path}/versions/{target.version}"
    return path


def _quoted(name: str) -> str:
    return urllib.parse.quote(name, safe="")


def _plain(value: np.ndarray) -> Any:
    value = np.asarray(value)
    if value.dtype != object:
        return value.tolist()
    return [{"b64": base64.b64encode(file).decode()} for file in value]


def _unreachable(where: str, reason: object) -> str:
    return (
        f"No answer from {where}: {reason}. Supported: a running TensorFlow"
        " Serving, or tfsnn serve. Check host, port and that it has started."
    )
