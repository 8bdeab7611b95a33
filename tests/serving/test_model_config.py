"""`models.config` as the development server reads it."""

import pytest

from tfsnn.errors import ModelFileError
from tfsnn.export.serving_files import batching_config, models_config
from tfsnn.serving.model_config import read_model_config

pytest.importorskip("tensorflow_serving")


def write(folder, config, batching=None):
    (folder / "models.config").write_text(config)
    if batching is not None:
        (folder / "batching.config").write_text(batching)
    return folder


def test_reads_what_an_export_writes(tmp_path):
    text = models_config("net", [200_008, 100_008], {"t8": 200_008})
    config = read_model_config(write(tmp_path, text, batching_config()))
    assert config.name == "net"
    assert config.versions == (100_008, 200_008)
    assert config.labels == {"t8": 200_008}
    assert config.max_batch == 64


def test_largest_batch_can_be_changed(tmp_path):
    text = models_config("net", [1], {})
    config = read_model_config(
        write(tmp_path, text, "max_batch_size { value: 7 }")
    )
    assert config.max_batch == 7


@pytest.mark.parametrize(
    "text, match",
    [
        ("{", "cannot be read"),
        ("", "names 0 models and 0 versions"),
        (models_config("net", [], {}), "names 1 models and 0 versions"),
        (models_config("net", [1], {"a": 2}), r"labels for versions \[2\]"),
    ],
    ids=["broken", "empty", "no version", "label of nothing"],
)
def test_refuses_what_cannot_be_served(tmp_path, text, match):
    with pytest.raises(ModelFileError, match=match):
        read_model_config(write(tmp_path, text))


def test_refuses_a_folder_without(tmp_path):
    with pytest.raises(ModelFileError, match="the folder that tfsnn export"):
        read_model_config(tmp_path)
