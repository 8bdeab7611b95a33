"""The same requests to `tfsnn serve` and, where there is one, the real server.

Everything stays on the loopback interface.
"""

import http.client
import json
import shutil
import threading

import numpy as np
import pytest
import tensorflow as tf

from tests.support import served
from tests.support.servers import (
    BINARY,
    WITHOUT_BINARY,
    Binary,
    Development,
    wait_available,
)
from tfsnn.errors import RequestError
from tfsnn.export import export_saved_model
from tfsnn.serving import GrpcClient, RestClient, Target, stubs

MODEL = "net"
VERSIONS = {2: 100_002, 4: 100_004}


HAS_BINARY = shutil.which(BINARY) is not None
KINDS = {"tfsnn serve": Development} | ({BINARY: Binary} if HAS_BINARY else {})


@pytest.fixture(scope="module", params=KINDS.values(), ids=KINDS)
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def record(kind, tmp_path_factory):
    folder = tmp_path_factory.mktemp("served") / MODEL
    return export_saved_model(
        served.family(tuple(VERSIONS)), folder, decoding=served.DECODING
    )


@pytest.fixture(scope="module")
def server(kind, record, tmp_path_factory):
    work = [tmp_path_factory.mktemp("work")] * (kind is Binary)
    made = kind(record.path, *work)
    wait_available(made, MODEL, VERSIONS.values())
    yield made
    made.stop()


@pytest.mark.skipif(not HAS_BINARY, reason=WITHOUT_BINARY)
def test_tensorflow_serving_itself_is_tested_here():
    """Tells in every run whether the real server took part."""
    assert BINARY in KINDS


@pytest.fixture
def clients(server):
    with (
        GrpcClient("127.0.0.1", server.port) as one,
        RestClient("127.0.0.1", server.rest_port) as other,
    ):
        yield {"grpc": one, "rest": other}


protocols = pytest.mark.parametrize("protocol", ["grpc", "rest"])


@protocols
@pytest.mark.parametrize("timesteps", [2, 4])
def test_labels(record, clients, protocol, timesteps):
    expected = record.expected(served.images(3))[timesteps]
    received = clients[protocol].predict(
        Target(MODEL, label=f"t{timesteps}"), {"images": served.images(3)}
    )
    assert sorted(received) == sorted(expected)
    for name, value in expected.items():
        # JSON and padded batches: the last bit may differ.
        np.testing.assert_allclose(received[name], value, rtol=1e-5)


@protocols
def test_versions_and_the_highest(record, clients, protocol):
    expected = record.expected(served.images(1))[4]["logits"]
    for target in (Target(MODEL), Target(MODEL, version=VERSIONS[4])):
        received = clients[protocol].predict(
            target, {"images": served.images(1)}
        )
        np.testing.assert_allclose(received["logits"], expected, rtol=1e-5)


@protocols
@pytest.mark.parametrize("signature", ["trace", "anytime", "serialized"])
def test_signatures(record, clients, protocol, signature):
    fed = served.inputs_of(signature, 3)
    function = record.served[4].functions[signature]
    expected = function(**{name: tf.constant(fed[name]) for name in fed})
    received = clients[protocol].predict(
        Target(MODEL, label="t4"), fed, signature=signature
    )
    if list(received) == [""]:  # One output, without its name.
        received = {next(iter(expected)): received[""]}
    for name, value in expected.items():
        np.testing.assert_allclose(received[name], value, rtol=1e-5)


@protocols
def test_status(clients, protocol):
    assert clients[protocol].status(Target(MODEL)) == dict.fromkeys(
        VERSIONS.values(), "AVAILABLE"
    )


def test_metadata_names_shapes_and_dtypes(clients):
    found = clients["grpc"].signatures(Target(MODEL, label="t2"))
    assert {"serving_default", "trace", "anytime", "serialized"} <= set(found)
    images = found["serving_default"].inputs["images"]
    assert [dim.size for dim in images.tensor_shape.dim] == [-1, 8, 8, 3]


REFUSED = {
    "nan": (np.full((1, 8, 8, 3), np.nan, "float32"), "not finite"),
    "shape": (np.zeros((1, 9, 9, 3), "float32"), "images|shape"),
    "rank": (np.zeros((8, 8, 3), "float32"), "images|shape"),
    "dtype": (np.array([[[["x"] * 3] * 8] * 8], object), "images|type|float"),
    "too many": (np.zeros((10_000, 8, 8, 3), "float32"), "maximum|batch"),
}


@pytest.mark.parametrize("value, text", REFUSED.values(), ids=REFUSED)
def test_malformed_images_are_invalid_arguments(clients, value, text):
    with pytest.raises(RequestError, match=text) as caught:
        clients["grpc"].predict(Target(MODEL), {"images": value})
    assert caught.value.code == "INVALID_ARGUMENT"
    # The server is still there.
    clients["grpc"].predict(Target(MODEL), {"images": served.images(1)})


def test_a_dtype_without_arrays_is_an_invalid_argument(server):
    grpc = pytest.importorskip("grpc")
    request = stubs.apis("predict_pb2").PredictRequest()
    request.model_spec.name = MODEL
    request.inputs["images"].dtype = tf.variant.as_datatype_enum
    request.inputs["images"].tensor_shape.dim.add(size=1)
    service = stubs.apis("prediction_service_pb2_grpc")
    with (
        grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel,
        pytest.raises(grpc.RpcError) as caught,
    ):
        service.PredictionServiceStub(channel).Predict(request, timeout=30)
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT


def test_no_image_is_refused(clients):
    with pytest.raises(RequestError) as caught:
        clients["grpc"].predict(Target(MODEL), {"images": served.images(0)})
    assert caught.value.code == "INVALID_ARGUMENT"


@protocols
@pytest.mark.parametrize(
    "target, code, text",
    [
        (Target(MODEL, label="t64"), "INVALID_ARGUMENT", "version label: t64"),
        (Target(MODEL, version=100_064), "NOT_FOUND", "100064"),
        (Target("nut"), "NOT_FOUND", "nut"),
        (Target("a nut"), "NOT_FOUND", "nut"),
    ],
    ids=["label", "version", "model", "space"],
)
def test_what_is_not_served(clients, protocol, target, code, text):
    with pytest.raises(RequestError, match=text) as caught:
        clients[protocol].predict(target, {"images": served.images(1)})
    assert caught.value.code == code


@protocols
@pytest.mark.parametrize(
    "inputs", [{}, {"pictures": served.images(1)}], ids=["none", "other"]
)
def test_inputs_of_other_names(clients, protocol, inputs):
    with pytest.raises(RequestError, match="input") as caught:
        clients[protocol].predict(Target(MODEL), inputs)
    assert caught.value.code == "INVALID_ARGUMENT"


def test_unknown_signature(clients):
    with pytest.raises(RequestError, match="nothing"):
        clients["grpc"].predict(
            Target(MODEL), {"images": served.images(1)}, signature="nothing"
        )


def post(server, body, path=f"/v1/models/{MODEL}:predict"):
    connection = http.client.HTTPConnection("127.0.0.1", server.rest_port)
    try:
        connection.request("POST", path, body)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def test_rows_over_rest(record, server):
    rows = [{"images": image.tolist()} for image in served.images(2)]
    status, answer = post(server, json.dumps({"instances": rows}))
    assert status == 200
    expected = record.expected(served.images(2))[4]
    for number, row in enumerate(answer["predictions"]):
        assert row["classes"] == expected["classes"][number]
        np.testing.assert_allclose(
            row["logits"], expected["logits"][number], rtol=1e-5
        )


BODIES = {
    "no json": "{",
    "a list": "[]",
    "neither format": "{}",
    "rows that are none": '{"instances": 1}',
    "ragged": '{"instances": [[1, 2], [3]]}',
    "texts": '{"instances": ["x"]}',
    "ragged texts": '{"signature_name": "serialized", "inputs": [["x"], "y"]}',
    "signature is a number": '{"signature_name": 1, "instances": [1]}',
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_malformed_bodies_are_bad_requests(server, body):
    status, answer = post(server, body)
    assert status == 400
    assert answer["error"]


def test_unknown_route(server):
    status, answer = post(server, "{}", "/v1/nothing")
    assert status == 404
    assert answer["error"]


def test_two_t_at_once(record, server):
    expected = record.expected(served.images(4))
    problems = []

    def ask(timesteps):
        with GrpcClient("127.0.0.1", server.port) as client:
            for _ in range(10):
                found = client.predict(
                    Target(MODEL, label=f"t{timesteps}"),
                    {"images": served.images(4)},
                )
                if not np.allclose(
                    found["logits"], expected[timesteps]["logits"], rtol=1e-5
                ):
                    problems.append(timesteps)

    threads = [
        threading.Thread(target=ask, args=[T]) for T in (2, 4) for _ in (0, 1)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems


def test_hot_swap_under_load(record, server):
    """Labels move to a new revision; no request fails. Runs last."""
    stop, failures, answers = threading.Event(), [], []

    def ask():
        with GrpcClient("127.0.0.1", server.port) as client:
            while not stop.is_set():
                try:
                    found = client.predict(
                        Target(MODEL, label="t2"),
                        {"images": served.images(1)},
                    )
                    answers.append(found["logits"])
                except RequestError as error:
                    failures.append(error)

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    revision = export_saved_model(
        served.family(tuple(VERSIONS), seed=1),
        record.path,
        decoding=served.DECODING,
        revise=True,
    )
    server.follow()
    wait_available(server, MODEL, revision.versions.values())
    wanted = revision.expected(served.images(1))[2]["logits"]
    with GrpcClient("127.0.0.1", server.port) as client:
        for _ in range(200):
            found = client.predict(
                Target(MODEL, label="t2"), {"images": served.images(1)}
            )
            if np.allclose(found["logits"], wanted, rtol=1e-5):
                break
            stop.wait(0.1)
        old = client.predict(
            Target(MODEL, version=VERSIONS[2]), {"images": served.images(1)}
        )
    stop.set()
    for thread in threads:
        thread.join()
    assert not failures
    np.testing.assert_allclose(found["logits"], wanted, rtol=1e-5)
    np.testing.assert_allclose(
        old["logits"],
        record.expected(served.images(1))[2]["logits"],
        rtol=1e-5,
    )
    assert len(answers) > 10
