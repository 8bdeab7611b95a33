import json
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from tests.support.tiny import tiny_images
from tfsnn.serving import DevelopmentServer
from tfsnn_tools import main, serve

MODEL = "net"


@pytest.fixture(scope="module")
def export(tmp_path_factory, calibrated_folder):
    output = tmp_path_factory.mktemp("requested") / MODEL
    flags = ["--serialized", "--scale=1/255", f"--output={output}"]
    arguments = [f"--model={calibrated_folder}", *flags]
    assert main.run(["tfsnn", "export", *arguments]) == 0
    return output


@pytest.fixture(scope="module")
def server(export):
    with DevelopmentServer(export) as running:
        yield running


@pytest.fixture(scope="module")
def picture(tmp_path_factory):
    path = tmp_path_factory.mktemp("pictures") / "image.png"
    path.write_bytes(tf.io.encode_png(tiny_images()[0][0]).numpy())
    return path


@pytest.fixture
def request_(command, server):
    def run(*arguments, protocol="grpc"):
        ports = {"grpc": server.port, "rest": server.rest_port}
        return command(
            "request",
            f"--model={MODEL}",
            f"--protocol={protocol}",
            f"--port={ports[protocol]}",
            *arguments,
        )

    return run


protocols = pytest.mark.parametrize("protocol", ["grpc", "rest"])


def logits(export, version):
    loaded = tf.saved_model.load(str(export / str(version)))
    images = tiny_images()[0][:1].astype("float32") / 255
    serve_ = loaded.signatures["serving_default"]
    return serve_(images=tf.constant(images))["logits"].numpy()


@protocols
@pytest.mark.parametrize("flags", [[], ["--scale=1/255"]], ids=["file", "here"])
def test_picture(request_, export, picture, protocol, flags):
    outcome = request_(
        "--label=t4", "--json", picture, *flags, protocol=protocol
    )
    assert outcome.code == 0, outcome.err
    found = json.loads(outcome.out)
    np.testing.assert_allclose(
        found["logits"], logits(export, 100_004), atol=1e-6
    )
    assert found["classes"] == [int(np.argmax(found["logits"]))]


@protocols
def test_array_and_version(request_, export, tmp_path, protocol):
    images = tiny_images()[0][:1].astype("float32") / 255
    np.save(tmp_path / "images.npy", images)
    outcome = request_(
        "--version=100002",
        "--json",
        tmp_path / "images.npy",
        protocol=protocol,
    )
    np.testing.assert_allclose(
        json.loads(outcome.out)["logits"], logits(export, 100_002), atol=1e-6
    )


def test_anytime_in_a_table(request_, picture):
    outcome = request_("--label=t4", "--scale=1/255", "--confidence=0", picture)
    assert outcome.code == 0
    (row,) = [x for x in outcome.out.splitlines() if str(picture)[-9:] in x]
    assert row.split()[-1] == "1"


def test_most_steps(request_, picture):
    outcome = request_("--scale=1/255", "--max_steps=3", "--json", picture)
    assert json.loads(outcome.out)["steps"] == [3]


@protocols
def test_what_no_table_shows(request_, picture, protocol):
    flags = ["--signature=trace", "--label=t4", "--scale=1/255"]
    outcome = request_(*flags, picture, protocol=protocol)
    assert outcome.code == 0
    assert "[1, 4, 3]" in outcome.out
    assert "--json" in outcome.out


def test_bundle(command, calibrated_folder, tmp_path, picture):
    output = tmp_path / MODEL
    flags = ["--format=bundle", "--serialized", "--scale=1/255"]
    where = [f"--model={calibrated_folder}", f"--output={output}"]
    assert command("export", *where, *flags).code == 0
    asked = ["--model=net", "--label=bundle", picture, "--json"]
    with DevelopmentServer(output) as running:
        asked.append(f"--port={running.port}")
        stops = command(
            "request", *asked, "--signature=t4_anytime", "--scale=1/255"
        )
        file = command("request", *asked, "--signature=t4_serialized")
        unnamed = command("request", *asked)
    assert unnamed.code == 1
    assert "as --signature=t16_serialized" in unnamed.err
    assert "decodes no files" not in unnamed.err
    assert set(json.loads(stops.out)["steps"]) == {4}
    np.testing.assert_allclose(
        json.loads(file.out)["logits"], logits(output, 100_000), atol=1e-6
    )
    text = (output / "README.md").read_text()
    assert "--label=bundle --signature=t2_serialized image.png" in text


def test_files_where_none_are_decoded(
    command, calibrated_folder, tmp_path, picture
):
    output = tmp_path / MODEL
    where = [f"--model={calibrated_folder}", f"--output={output}"]
    assert command("export", *where).code == 0
    assert "images.npy" in (output / "README.md").read_text()
    with DevelopmentServer(output) as running:
        outcome = command(
            "request", "--model=net", f"--port={running.port}", picture
        )
    assert outcome.code == 1
    assert "--scale=1/255, or export with --serialized" in outcome.err


@protocols
def test_unknown_label(request_, picture, protocol):
    outcome = request_("--label=t64", picture, protocol=protocol)
    assert outcome.code == 1
    assert "version label: t64. Supported: t2, t4" in outcome.err


@pytest.mark.parametrize(
    "images, text, protocol",
    [  # JSON has no shape of no images.
        (np.zeros((0, 8, 8, 1)), "Input images holds no image. Supp", "grpc"),
        (np.full((1, 8, 8, 1), np.nan), "values that are not finite", "grpc"),
        (np.full((1, 8, 8, 1), np.nan), "values that are not finite", "rest"),
    ],
    ids=["none", "NaN", "NaN over REST"],
)
def test_refusals_are_plain(request_, tmp_path, images, text, protocol):
    np.save(tmp_path / "x.npy", images)
    outcome = request_("--label=t4", tmp_path / "x.npy", protocol=protocol)
    assert outcome.code == 1
    assert text in outcome.err
    assert "assertion failed" not in outcome.err
    assert "{{node" not in outcome.err


def test_version_that_no_server_has(request_, tmp_path):
    outcome = request_("--version=99999999999999999999", tmp_path / "x.npy")
    assert outcome.code == 2
    assert "version" in outcome.err


@protocols
def test_no_server(command, picture, protocol):
    outcome = command(
        "request",
        "--model=net",
        f"--protocol={protocol}",
        "--port=1",
        "--seconds=2",
        picture,
    )
    assert outcome.code == 1
    assert "No answer from 127.0.0.1:1" in outcome.err


def test_both_label_and_version(command, picture):
    outcome = command(
        "request", "--model=net", "--label=t4", "--version=1", picture
    )
    assert outcome.code == 2
    assert "Give one" in outcome.err


@pytest.mark.parametrize(
    "name, content, text",
    [
        ("x.png", None, "cannot be read"),
        ("x.png", b"no picture", "is no image"),
        ("x.npy", b"no array", "cannot be read"),
    ],
    ids=["missing", "no picture", "no array"],
)
def test_files_that_cannot_be_sent(request_, tmp_path, name, content, text):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    scale = [] if name.endswith(".npy") else ["--scale=1/255"]
    outcome = request_(*scale, tmp_path / name)
    assert outcome.code == 1
    assert text in outcome.err


def test_arrays_without_a_batch(request_, tmp_path):
    np.save(tmp_path / "x.npy", np.zeros(3))
    outcome = request_(tmp_path / "x.npy")
    assert outcome.code == 1
    assert "Save images with a batch axis" in outcome.err


def test_images_of_several_sizes(request_, tmp_path):
    for size in (1, 2):
        np.save(tmp_path / f"{size}.npy", np.zeros((1, size, 8, 1)))
    outcome = request_(tmp_path / "1.npy", tmp_path / "2.npy")
    assert outcome.code == 1
    assert "one shape in a request" in outcome.err


def test_no_image(command):
    outcome = command("request", "--model=net")
    assert outcome.code == 2
    assert "IMAGE is missing" in outcome.err


def test_tampered_export_is_not_served(command, export, tmp_path):
    copy = shutil.copytree(export, tmp_path / MODEL)
    (copy / "100002" / "saved_model.pb").write_bytes(b"")
    outcome = command("serve", copy, "--port=0", "--rest_port=0")
    assert outcome.code == 1
    assert "not as they were written: saved_model.pb" in outcome.err


def test_taken_port_is_told(command, export, server):
    outcome = command(
        "serve", export, f"--rest_port={server.rest_port}", "--port=0"
    )
    assert outcome.code == 1
    assert "cannot be listened at" in outcome.err


def test_nothing_to_serve(command, tmp_path):
    outcome = command("serve", tmp_path)
    assert outcome.code == 1
    assert "models.config' cannot be read" in outcome.err


@pytest.mark.slow
def test_serves_until_interrupted(export):
    with subprocess.Popen(
        [
            sys.executable,
            *("-m", "tfsnn_tools.main", "serve", str(export)),
            *("--port=0", "--rest_port=0"),
        ],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        line = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0
    assert "Serving 'net' (t2, t4): gRPC 127.0.0.1:" in line


def test_interrupt_stops_it(monkeypatch, export, capsys):
    def interrupt(self):
        raise KeyboardInterrupt

    monkeypatch.setattr(DevelopmentServer, "wait", interrupt)
    code = serve.main(["serve", str(export), "--port=0", "--rest_port=0"])
    assert code == 0
    assert "Serving 'net' (t2, t4)" in capsys.readouterr().out
