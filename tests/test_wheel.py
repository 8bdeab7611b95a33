"""The wheel holds everything it needs, under names that cannot clash."""

import configparser
import pathlib
import subprocess
import sys
import zipfile

import pytest

from tests.support import checkout

pytestmark = [pytest.mark.checkout, pytest.mark.slow]

MODELS = checkout.FOLDERS["tfsnn_models"]
DATA = sorted(
    path.relative_to(MODELS).as_posix()
    for folder in ("weights", "samples")
    for path in (MODELS / folder).rglob("*")
    if path.is_file()
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """A wheel built from the source distribution of the checkout."""
    out = tmp_path_factory.mktemp("dist")
    command = ["-m", "build", "--no-isolation", "--outdir", str(out), "."]
    result = subprocess.run(
        [sys.executable, *command],
        cwd=checkout.ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    (path,) = out.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        yield archive


def packaged_name(path):
    for package, folder in checkout.FOLDERS.items():
        if path.is_relative_to(folder):
            return f"{package}/{path.relative_to(folder).as_posix()}"
    raise AssertionError(path)


def text_of(wheel, file_name):
    (name,) = (
        name
        for name in wheel.namelist()
        if name.endswith(f".dist-info/{file_name}")
    )
    return wheel.read(name).decode("utf-8")


def test_top_level_names(wheel):
    tops = {pathlib.PurePosixPath(name).parts[0] for name in wheel.namelist()}
    packages = {top for top in tops if not top.endswith(".dist-info")}
    assert packages == {"tfsnn", "tfsnn_models", "tfsnn_tools"}


def test_every_module_is_in_it_and_nothing_else(wheel):
    expected = {packaged_name(path) for path in checkout.modules().values()}
    packed = {name for name in wheel.namelist() if name.endswith(".py")}
    assert packed == expected


@pytest.mark.parametrize("name", DATA)
def test_data_file_is_in_it(wheel, name):
    assert wheel.read(f"tfsnn_models/{name}") == (MODELS / name).read_bytes()


def test_console_script(wheel):
    parser = configparser.ConfigParser()
    parser.read_string(text_of(wheel, "entry_points.txt"))
    assert dict(parser["console_scripts"]) == {"tfsnn": "tfsnn_tools.main:run"}


def test_licence_is_in_it(wheel):
    assert "Apache License" in text_of(wheel, "licenses/LICENSE")
