"""A server for development: what TensorFlow Serving offers, in this process.

It loads exports through the same loader, speaks the same two protocols and
follows `models.config`; it merges no requests and is not hardened. For
production use the official image, see `compose.yaml` in an export.
"""

import concurrent.futures
import os
import pathlib
import threading

from tfsnn.errors import ExportError

from .grpc_service import add_services
from .repository import ModelRepository
from .rest_service import rest_server
from .stubs import grpc_package

HOST = "127.0.0.1"
_UNLIMITED = [
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.so_reuseport", 0),
]


class DevelopmentServer:
    """Serves an export over gRPC and REST until it is stopped.

    Attributes:
        repository: What is served.
        port: Port of gRPC.
        rest_port: Port of REST.
    """

    def __init__(
        self,
        folder: str | os.PathLike,
        *,
        host: str = HOST,
        port: int = 0,
        rest_port: int = 0,
        poll_seconds: float = 1.0,
        num_workers: int = 8,
    ):
        """Loads the export and starts.

        Args:
            folder: An export folder.
            host: Address to listen at; this machine alone by default.
            port: Port of gRPC; 0: any that is free.
            rest_port: Port of REST; 0: any that is free.
            poll_seconds: How often `models.config` is looked at.
            num_workers: gRPC requests answered at a time.

        Raises:
            ExportError: If a port is taken.
            MissingExtraError: If the extra `serving` is not installed.
            ModelFileError: If the folder is no sound export.
            RequestError: If TensorFlow does not load a version.
        """
        grpc = grpc_package()
        self.repository = ModelRepository(pathlib.Path(folder).resolve())
        self._grpc = grpc.server(
            concurrent.futures.ThreadPoolExecutor(num_workers),
            options=_UNLIMITED,
        )
        add_services(self._grpc, self.repository)
        try:
            self.port = self._grpc.add_insecure_port(f"{host}:{port}")
            self._rest = rest_server((host, rest_port), self.repository)
        except (OSError, RuntimeError) as error:
            raise ExportError(
                f"{host}:{port} or {host}:{rest_port} cannot be listened at:"
                f" {error}. Supported: free ports of this machine. Choose"
                " others."
            ) from error
        self.rest_port = self._rest.server_address[1]
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._rest.serve_forever, daemon=True),
            threading.Thread(
                target=self._follow, args=[poll_seconds], daemon=True
            ),
        ]
        self._grpc.start()
        for thread in self._threads:
            thread.start()

    def _follow(self, seconds: float) -> None:
        while not self._stopping.wait(seconds):
            self.repository.refresh()

    def wait(self) -> None:
        """Blocks until `stop` is called."""
        self._stopping.wait()

    def stop(self) -> None:
        """Stops listening; requests under way are answered."""
        self._stopping.set()
        self._grpc.stop(grace=5).wait()
        self._rest.shutdown()
        self._rest.server_close()
        for thread in self._threads:
            thread.join()

    def __enter__(self) -> "DevelopmentServer":
        """The server itself."""
        return self

    def __exit__(self, *error) -> None:
        """Stops it."""
        self.stop()
