import json

import pytest


@pytest.fixture(scope="module")
def export(tmp_path_factory, calibrated_folder):
    from tfsnn_tools import main

    output = tmp_path_factory.mktemp("inspected") / "net"
    code = main.run(
        [
            "tfsnn",
            "export",
            f"--model={calibrated_folder}",
            f"--output={output}",
            "--serialized",
            "--scale=1/255",
        ]
    )
    assert code == 0
    return output


def test_text(command, export):
    outcome = command("inspect", export)
    assert outcome.code == 0
    for expected in (
        "net",
        "100002",
        "t4",
        "anytime: images float32 [B, 8, 8, 1]; confidence float32 [B]",
        "serialized: serialized string [B]",
        "Pipeline: light",
        "provenance model: tiny.keras",
        "provenance command: tfsnn calibrate",
        "Every file is as it was written.",
    ):
        assert expected in outcome.out


def test_json(command, export):
    outcome = command("inspect", export, "--json")
    found = json.loads(outcome.out)
    assert found["changed_files"] == []
    assert found["labels"] == {"t2": 100_002, "t4": 100_004}
    assert len(found["provenance"]["model_sha256"]) == 64


def test_one_version(command, export):
    outcome = command("inspect", export / "100002")
    assert outcome.code == 0
    assert "100002" in outcome.out
    assert "100004" not in outcome.out


def test_changed_files(command, export):
    file = export / "100004" / "saved_model.pb"
    content = file.read_bytes()
    try:
        file.write_bytes(content[:-1] + b"x")
        outcome = command("inspect", export)
    finally:
        file.write_bytes(content)
    assert outcome.code == 1
    assert "CHANGED since it was written: 100004/saved_model.pb" in outcome.out


def test_changed_labels(command, export):
    file = export / "models.config"
    content = file.read_text()
    try:
        file.write_text(content.replace("value: 100002", "value: 100004"))
        outcome = command("inspect", export)
        served = command("serve", export, "--port=0", "--rest_port=0")
        file.write_text(content.replace("/models/net", str(export)))
        moved = command("inspect", export)
    finally:
        file.write_text(content)
    assert outcome.code == 1
    assert "CHANGED since it was written: models.config" in outcome.out
    assert served.code == 1
    assert "the label 't2' for 100004, which is 't4'" in served.err
    assert moved.code == 0


@pytest.mark.parametrize(
    "file", ["manifest.json", "100002/assets.extra/manifest.json"]
)
def test_the_manifest_itself(command, export, file):
    outcome = command("inspect", export / file)
    assert outcome.code == 0
    assert "Every file is as it was written." in outcome.out


def test_no_export(command, tmp_path):
    outcome = command("inspect", tmp_path)
    assert outcome.code == 1
    assert "holds no manifest.json" in outcome.err


def test_missing_folder(command):
    outcome = command("inspect")
    assert outcome.code == 2
    assert "DIR is missing" in outcome.err
