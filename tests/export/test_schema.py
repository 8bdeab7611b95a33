"""The manifest's schema is documented."""

import re

import pytest

from tests.support import checkout, served
from tfsnn.export import export_bundle
from tfsnn.export.manifest import SCHEMA_VERSION

pytestmark = pytest.mark.checkout


def test_every_field_is_documented(tmp_path):
    text = (checkout.ROOT / "docs" / "serving.md").read_text(encoding="utf-8")
    text = text[text.index("## The manifest") :]
    assert f"Schema version {SCHEMA_VERSION}" in text
    documented = set(re.findall(r"`(\w+)`", text))
    manifest = export_bundle(served.family((2,)), tmp_path / "x").manifest
    (entry,) = manifest["models"]
    fields = manifest.keys() | entry.keys() | entry["members"][0].keys()
    assert fields <= documented
