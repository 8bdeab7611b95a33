"""A tiny network, tiny images, and a way to run the command line."""

import dataclasses

import numpy as np
import pytest

from tests.support.tiny import tiny_images, tiny_network
from tfsnn_tools import main


@dataclasses.dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


@pytest.fixture(scope="session")
def network_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("network") / "tiny.keras"
    tiny_network().save(path)
    return path


@pytest.fixture(scope="session")
def images_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("images") / "tiny.npz"
    return written(path, "calibration", "test")


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """What --data takes, with the splits of a data set."""
    path = tmp_path_factory.mktemp("data") / "tiny.npz"
    return f"npz:{written(path, 'train', 'test')}"


def written(path, *parts):
    arrays = {}
    for seed, part in enumerate(parts):
        images, labels = tiny_images(seed)
        arrays |= {f"{part}_images": images, f"{part}_labels": labels}
    np.savez(path, **arrays)
    return path


@pytest.fixture(scope="session")
def calibrated_folder(tmp_path_factory, network_file, images_file):
    """What `tfsnn calibrate` wrote for T = 2 and 4; not to be changed."""
    folder = tmp_path_factory.mktemp("calibrated") / "tiny"
    code = main.run(
        [
            "tfsnn",
            "calibrate",
            f"--model={network_file}",
            f"--data=npz:{images_file}:calibration",
            "--scale=1/255",
            "--timesteps=2,4",
            f"--output={folder}",
        ]
    )
    assert code == 0
    return folder


@pytest.fixture
def command(capsys):
    """Runs `tfsnn ARGUMENTS` in this process."""

    def run(*arguments):
        capsys.readouterr()
        code = main.run(["tfsnn", *map(str, arguments)])
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return run
