"""TensorFlow Serving's REST routes, from a repository."""

import http.server
import json
import logging
import re
from collections.abc import Mapping
from typing import Any

from google.protobuf import json_format

from tfsnn.errors import RequestError

from .repository import ModelRepository
from .rest_json import answer_of, inputs_of

_LOG = logging.getLogger(__name__)

STATUS = {
    "INVALID_ARGUMENT": 400,
    "NOT_FOUND": 404,
    "RESOURCE_EXHAUSTED": 429,
    "UNIMPLEMENTED": 501,
}
MAX_BYTES = 1 << 28
_ROUTE = re.compile(
    r"/v1/models/(?P<name>[^/:]+)"
    r"(?:/versions/(?P<version>\d{1,18})|/labels/(?P<label>[^/:]+))?"
    r"(?P<rest>/metadata|:[a-z]+)?"
)


def rest_server(
    address: tuple[str, int], repository: ModelRepository
) -> http.server.ThreadingHTTPServer:
    """A server, not yet running, that answers each request in a thread.

    Args:
        address: Host and port; port 0: any that is free.
        repository: What it answers from.

    Returns:
        The server.

    Raises:
        OSError: If the port is taken.
    """

    class Handler(_Handler):
        """Answers from this repository."""

        routes = _Routes(repository)

    server = http.server.ThreadingHTTPServer(address, Handler)
    server.daemon_threads = True
    return server


class _Routes:
    """Paths and bodies to answers; RequestError where there is none."""

    def __init__(self, repository: ModelRepository):
        self._repository = repository

    def get(self, path: str) -> dict[str, Any]:
        match = _matched(path)
        if match["rest"] == "/metadata":
            return self._metadata(match)
        if match["rest"]:
            raise _unknown(path)
        self._repository.check_name(match["name"])
        numbers = self._repository.config.versions
        version, label = _choice(match)
        if version is not None or label is not None:
            numbers = [self._repository.number(version, label)]
        good = {"error_code": "OK", "error_message": ""}
        return {
            "model_version_status": [
                {"version": str(n), "state": "AVAILABLE", "status": good}
                for n in sorted(numbers, reverse=True)
            ]
        }

    def post(self, path: str, content: bytes) -> dict[str, Any]:
        match = _matched(path)
        if match["rest"] != ":predict":
            raise _unknown(path)
        body = _parsed(content)
        name = body.get("signature_name", "")
        if not isinstance(name, str):
            raise RequestError(
                "INVALID_ARGUMENT", "'signature_name' key must be a string."
            )
        with self._repository.using(match["name"], *_choice(match)) as version:
            inputs, by_row = inputs_of(body, version.signature(name))
            return answer_of(version.run(name, inputs), by_row=by_row)

    def _metadata(self, match: re.Match) -> dict[str, Any]:
        with self._repository.using(match["name"], *_choice(match)) as version:
            signatures = {
                name: json_format.MessageToDict(
                    signature, preserving_proto_field_name=True
                )
                for name, signature in version.signatures.items()
            }
            number = str(version.number)
        spec = {"name": match["name"], "signature_name": "", "version": number}
        return {
            "model_spec": spec,
            "metadata": {"signature_def": {"signature_def": signatures}},
        }


def _matched(path: str) -> re.Match:
    match = _ROUTE.fullmatch(path.partition("?")[0])
    if match is None:
        raise _unknown(path)
    return match


def _unknown(path: str) -> RequestError:
    return RequestError(
        "NOT_FOUND",
        f"Malformed request: {path}. Supported: GET /v1/models/NAME, the same"
        " with /metadata, POST /v1/models/NAME:predict; before these"
        " /versions/NUMBER or /labels/LABEL may stand.",
    )


def _choice(match: Mapping[str, str]) -> tuple[int | None, str | None]:
    number = match["version"]
    return (None if number is None else int(number)), match["label"]


def _parsed(content: bytes) -> dict[str, Any]:
    try:
        body = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise RequestError(
            "INVALID_ARGUMENT", f"JSON Parse error: {error}."
        ) from error
    if not isinstance(body, dict):
        raise RequestError(
            "INVALID_ARGUMENT",
            f"The body is a {type(body).__name__}. Supported: an object with"
            " 'instances' or 'inputs'.",
        )
    return body


class _Handler(http.server.BaseHTTPRequestHandler):
    """Reads a request and writes what `routes` answers."""

    protocol_version = "HTTP/1.1"
    timeout = 60
    routes: _Routes

    def do_GET(self):  # noqa: N802
        """See the routes."""
        self._answer(lambda: self.routes.get(self.path))

    def do_POST(self):  # noqa: N802
        """See the routes."""
        self._answer(lambda: self.routes.post(self.path, self._content()))

    def log_message(self, format, *arguments):
        """Says nothing; errors are told to the client."""

    def _content(self) -> bytes:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > MAX_BYTES:
            self.close_connection = True
            raise RequestError(
                "INVALID_ARGUMENT",
                f"Content-Length is {length or 'missing'}. Supported: a length"
                f" of up to {MAX_BYTES} bytes.",
            )
        return self.rfile.read(int(length))

    def _answer(self, answer) -> None:
        try:
            status, body = 200, answer()
        except RequestError as error:
            status = STATUS.get(error.code, 500)
            body = {"error": str(error)}
        except Exception as error:  # A fault of ours is an answer, too.
            _LOG.exception("A request was not answered.")
            status, body = 500, {"error": f"{type(error).__name__}: {error}"}
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
