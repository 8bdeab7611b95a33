import sys

import pytest

from tfsnn.errors import MissingExtraError
from tfsnn.extras import import_extra


def test_gives_the_module():
    assert import_extra("json", "serving") is sys.modules["json"]


def test_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "grpc", None)
    with pytest.raises(
        MissingExtraError, match=r"'grpc' cannot be.*pip install 'tfsnn\[serv"
    ):
        import_extra("grpc", "serving")
