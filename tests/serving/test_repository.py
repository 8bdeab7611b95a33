"""What a server does when its folder changes in a way it cannot follow."""

import pytest

from tfsnn.serving import repository
from tfsnn.serving.model_config import ModelConfig


class Loaded:
    """Stands in for a version; one that is not there cannot be loaded."""

    def __init__(self, folder, *, max_batch):
        folder.stat()
        self.number = int(folder.name)

    def close(self):
        """Nothing to free."""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "100002").mkdir()
    configs = [_config(100_002)]
    monkeypatch.setattr(repository, "LoadedVersion", Loaded)
    monkeypatch.setattr(
        repository, "read_model_config", lambda path: configs[-1]
    )
    return tmp_path, configs


def _config(version):
    return ModelConfig("net", (version,), {"t2": version}, 64)


def test_a_version_that_vanishes_is_no_end_of_following(folder):
    path, configs = folder
    served = repository.ModelRepository(path)
    configs.append(_config(200_002))
    assert not served.refresh()
    assert served.config == configs[0]
    (path / "200002").mkdir()
    assert served.refresh()
    assert served.config == configs[1]
