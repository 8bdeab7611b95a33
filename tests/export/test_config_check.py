"""models.config beside the manifest."""

import pytest

from tfsnn.errors import ModelFileError
from tfsnn.export.config_check import check_served, is_config_as_stated
from tfsnn.export.serving_files import models_config

VERSIONS, LABELS = [100_008, 200_008, 200_016], {"t8": 200_008, "t16": 200_016}
MANIFEST = {
    "labels": LABELS,
    "models": [{"version": n, "label": f"t{n % 100_000}"} for n in VERSIONS],
}
TEXT = models_config("net", VERSIONS, LABELS)


@pytest.mark.parametrize(
    "old, new, same",
    [
        ("", "", True),
        ("/models/net", "/srv/a b", True),
        ("model_config_list {", "model_config_list {  # versions: 7", True),
        ('{ key: "t8" value: 200008 }', '{key:"t8"value:200008}', True),
        ("value: 200008", "value: 200016", False),
        ('"t16"', '"t17"', False),
        ("versions: 100008", "", False),
        ("versions: 100008", "versions: 100008 versions: 300008", False),
    ],
    ids=[
        *("as written", "base path", "comment", "spaces"),
        *("label moved", "label renamed", "version gone", "version more"),
    ],
)
def test_versions_and_labels_are_compared(tmp_path, old, new, same):
    (tmp_path / "models.config").write_text(TEXT.replace(old, new, 1))
    assert is_config_as_stated(tmp_path, MANIFEST) == same


def test_a_missing_file_is_a_change(tmp_path):
    assert not is_config_as_stated(tmp_path, MANIFEST)


def test_what_is_stated_is_served():
    check_served(tuple(VERSIONS), LABELS, MANIFEST)


def test_the_revision_before_is_served():
    """A killed export leaves it; somebody may go back to it."""
    check_served((100_008,), {"t8": 100_008}, MANIFEST)


def test_other_versions_and_labels_are_not_served():
    with pytest.raises(
        ModelFileError, match="version 7, which.*label 't8' for 200016, which"
    ):
        check_served((7, 200_016), {"t8": 200_016}, MANIFEST)
