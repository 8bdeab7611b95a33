"""What a server does when its folder changes in a way it cannot follow."""

import logging

import pytest

from tfsnn.errors import RequestError
from tfsnn.serving import repository
from tfsnn.serving.model_config import ModelConfig


class Loaded:
    """Stands in for a version; one that is not there cannot be loaded."""

    tried: list[int] = []
    opened: list[int] = []

    def __init__(self, folder, *, max_batch):
        self.number = int(folder.name)
        self.tried.append(self.number)
        folder.stat()
        if (folder / "broken").exists():
            raise RequestError("INTERNAL", "broken")
        self.opened.append(self.number)

    def close(self):
        """Frees it, once."""
        self.opened.remove(self.number)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "100002").mkdir()
    configs = [_config(100_002)]
    monkeypatch.setattr(Loaded, "tried", [])
    monkeypatch.setattr(Loaded, "opened", [])
    monkeypatch.setattr(repository, "LoadedVersion", Loaded)
    monkeypatch.setattr(
        repository, "read_model_config", lambda path: configs[-1]
    )
    numbers = (100_002, 100_004, 200_002, 200_004)
    known = [{"version": n, "label": f"t{n % 100_000}"} for n in numbers]
    monkeypatch.setattr(
        repository, "read_manifest", lambda path: {"models": known}
    )
    return tmp_path, configs


def _config(*versions):
    return ModelConfig(
        "net", versions, {f"t{versions[-1] % 100_000}": versions[-1]}, 64
    )


def test_a_version_that_vanishes_is_no_end_of_following(folder):
    path, configs = folder
    served = repository.ModelRepository(path)
    configs.append(_config(200_002))
    assert not served.refresh()
    assert served.config == configs[0]
    (path / "200002").mkdir()
    assert served.refresh()
    assert served.config == configs[1]
    assert Loaded.opened == [200_002]


@pytest.mark.parametrize("broken", [True, False], ids=["broken", "missing"])
def test_what_was_loaded_of_a_broken_revision_is_freed(folder, broken):
    path, configs = folder
    served = repository.ModelRepository(path)
    (path / "200002").mkdir()
    if broken:
        (path / "200004").mkdir()
        (path / "200004" / "broken").touch()
    configs.append(_config(200_002, 200_004))
    assert not served.refresh()
    assert Loaded.opened == [100_002]
    with served.using("net") as version:
        assert version.number == 100_002


def test_a_start_that_fails_frees_everything(folder):
    path, configs = folder
    configs.append(_config(100_002, 100_004))
    with pytest.raises(OSError, match="100004"):
        repository.ModelRepository(path)
    assert Loaded.opened == []


def test_a_broken_revision_is_tried_and_told_once(folder, caplog):
    path, configs = folder
    served = repository.ModelRepository(path)
    (path / "200002").mkdir()
    (path / "200002" / "broken").touch()
    configs.append(_config(200_002))
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert not served.refresh()
    assert len(caplog.records) == 1
    assert Loaded.tried == [100_002, 200_002]
    (path / "200002" / "broken").unlink()
    assert served.refresh()
    assert Loaded.tried[2:] == [200_002]


def test_a_changed_configuration_is_tried_again(folder):
    path, configs = folder
    served = repository.ModelRepository(path)
    configs.append(_config(200_002))
    assert not served.refresh()
    (path / "models.config").write_text("another")
    configs.append(_config(100_002))
    assert not served.refresh()  # It is served already.
    configs.append(_config(200_002))
    assert not served.refresh()
    assert Loaded.tried == [100_002, 200_002, 200_002]
