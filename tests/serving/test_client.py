"""Clients alone; with servers they are in `test_servers`."""

import http.server
import json
import threading

import numpy as np
import pytest

from tfsnn.errors import RequestError
from tfsnn.serving import RestClient, Target


@pytest.fixture
def answering():
    """A server that says 200 and something else."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):  # noqa: N802
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"predictions": [1]}).encode())

        do_GET = do_POST  # noqa: N815

        def log_message(self, *arguments):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        with RestClient("127.0.0.1", server.server_address[1]) as client:
            yield client
        server.shutdown()
        thread.join()


def test_answers_without_outputs(answering):
    with pytest.raises(RequestError, match="answered without 'outputs'. Supp"):
        answering.predict(Target("net"), {"images": np.zeros(1)})


def test_answers_without_a_status(answering):
    with pytest.raises(RequestError, match="without 'model_version_status'"):
        answering.status(Target("net"))


@pytest.mark.parametrize("version", [-1, 10**20])
def test_versions_that_no_server_has(version):
    with pytest.raises(ValueError, match="Supported: 0 to 2..63 - 1"):
        Target("net", version=version)
