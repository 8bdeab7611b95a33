"""What users may rely on: the names in `__all__`, and a light import."""

import importlib
import subprocess
import sys

import pytest

from tests.golden import public_api

HEAVY = ("matplotlib", "tensorflow_datasets", "tensorflow_model_optimization")
every_package = pytest.mark.parametrize("package", public_api.packages())


def test_public_names_equal_the_golden_list():
    golden = public_api.PATH.read_text(encoding="utf-8")
    assert public_api.render() == golden, (
        "The public names changed. If that is intended, run"
        " `python -m tests.golden.regenerate` and note it in CHANGELOG.md."
    )


@every_package
def test_package_lists_its_names(package):
    assert public_api.listed(package)


@every_package
def test_list_is_sorted_and_unique(package):
    names = public_api.listed(package)
    assert names == sorted(set(names))


@every_package
def test_listed_names_exist(package):
    module = importlib.import_module(package)
    missing = [n for n in public_api.listed(package) if not hasattr(module, n)]
    assert missing == []


def test_import_in_a_fresh_process_is_light():
    program = (
        # Keras takes along what it finds, such as matplotlib.
        "import sys, keras; before = set(sys.modules); import tfsnn;"
        f"print([name for name in {HEAVY} if name in sys.modules"
        " and name not in before])"
    )
    result = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "[]"
