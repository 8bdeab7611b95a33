"""The text files, as the programs that read them understand them."""

import pytest
from google.protobuf import text_format

from tfsnn.errors import ExportError
from tfsnn.export import serving_files


def parsed_config(*arguments):
    pytest.importorskip("tensorflow_serving")
    from tensorflow_serving.config import model_server_config_pb2

    message = model_server_config_pb2.ModelServerConfig()
    text_format.Parse(serving_files.models_config(*arguments), message)
    (config,) = message.model_config_list.config
    return config


def test_models_config():
    config = parsed_config(
        "net", [200_008, 100_008], {"t8": 200_008}, "/data/net"
    )
    assert (config.name, config.base_path) == ("net", "/data/net")
    assert config.model_platform == "tensorflow"
    specific = config.model_version_policy.specific
    assert list(specific.versions) == [100_008, 200_008]
    assert dict(config.version_labels) == {"t8": 200_008}


def test_the_official_image_finds_the_models():
    assert parsed_config("net", [1], {}).base_path == "/models/net"
    compose = serving_files.compose_file("net")
    assert ".:/models/net:ro" in compose
    assert "--model_config_file=/models/net/models.config" in compose
    assert "--allow_version_labels_for_unavailable_models=true" in compose


def test_batches_are_padded_to_powers_of_two():
    lines = serving_files.batching_config().splitlines()
    assert "max_batch_size { value: 64 }" in lines
    sizes = [line.split()[-1] for line in lines if line.startswith("allowed")]
    assert sizes == ["1", "2", "4", "8", "16", "32", "64"]


@pytest.mark.parametrize(
    "signatures, asked",
    [
        (["serving_default"], "--label=t8 images.npy`"),
        (["serialized", "trace"], "--label=t8 image.png`"),
        (["t8_serialized"], "--label=t8 --signature=t8_serialized image.png`"),
    ],
    ids=["arrays", "files", "bundle"],
)
def test_readme_has_five_lines(signatures, asked):
    labels = {"t8": 100_008, "t16": 100_016}
    text = serving_files.readme("net", labels, signatures)
    assert len(text.splitlines()) == 5
    assert "t8 (100008), t16 (100016)" in text
    assert asked in text


@pytest.mark.parametrize("name", ["", "a b", "../x", "-x", "ä", 'a"b'])
def test_refuses_names_that_no_address_takes(name):
    with pytest.raises(ExportError, match="Supported: letters, digits"):
        serving_files.checked_name(name)


def test_names_of_folders_become_names_of_models():
    assert serving_files.name_from("my export (2)") == "my_export_2_"
    assert serving_files.name_from("...") == "net"
    assert serving_files.checked_name("a.b-C_1") == "a.b-C_1"
