"""Servers that client tests run against."""

import contextlib
import pathlib
import shutil
import socket
import subprocess
import time

from tfsnn.errors import RequestError
from tfsnn.serving import DevelopmentServer, GrpcClient, Target

BINARY = "tensorflow_model_server"
WITHOUT_BINARY = (
    f"{BINARY} is not on PATH: the tests against TensorFlow Serving itself did"
    " NOT run, those against tfsnn serve did"
)


class Development:
    """`tfsnn serve` on a folder."""

    def __init__(self, folder, **options):
        self._server = DevelopmentServer(folder, poll_seconds=0.1, **options)
        self.port, self.rest_port = self._server.port, self._server.rest_port

    def follow(self):
        """`models.config` is looked at by itself."""

    def stop(self):
        self._server.stop()


class Binary:
    """The real server, on a copy of the configuration with our own path."""

    def __init__(self, folder: pathlib.Path, work: pathlib.Path):
        self._folder, self._config = folder, work / "models.config"
        self.port, self.rest_port = free_port(), free_port()
        self.follow()
        self._log = (work / "server.log").open("w")
        self._process = subprocess.Popen(
            [
                shutil.which(BINARY),
                f"--port={self.port}",
                f"--rest_api_port={self.rest_port}",
                f"--model_config_file={self._config}",
                "--model_config_file_poll_wait_seconds=1",
                "--allow_version_labels_for_unavailable_models=true",
                "--enable_batching=true",
                f"--batching_parameters_file={folder / 'batching.config'}",
            ],
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )

    def follow(self):
        """Copies the configuration."""
        text = (self._folder / "models.config").read_text()
        name = self._folder.name
        text = text.replace(f'"/models/{name}"', f'"{self._folder}"')
        partial = self._config.with_suffix(".new")
        partial.write_text(text)
        partial.replace(self._config)

    def stop(self):
        self._process.terminate()
        self._process.wait(timeout=30)
        self._log.close()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def wait_available(server, model, versions, seconds=60):
    """Until every version is AVAILABLE."""
    with GrpcClient("127.0.0.1", server.port) as client:
        end = time.monotonic() + seconds
        while True:
            found = {}
            with contextlib.suppress(RequestError):
                found = client.status(Target(model))
            if all(found.get(v) == "AVAILABLE" for v in versions):
                return
            assert time.monotonic() < end, found
            time.sleep(0.1)
