"""The example of docs/models.md, run; and modules that do not import."""

import re
import sys

import keras
import numpy as np
import pytest

from tests.support import checkout
from tfsnn.conversion import unregister_rule
from tfsnn_tools import main, user_modules

IMAGES = np.random.default_rng(0).normal(size=(32, 4, 4, 2)).astype("float32")
LABELS = np.arange(32) % 3
FLAGS = re.MULTILINE | re.DOTALL


def example():
    """`my_layers.py` as the document has it."""
    text = (checkout.ROOT / "docs/models.md").read_text(encoding="utf-8")
    (body,) = re.findall(r"^```python\n(# my_layers.*?)^```$", text, FLAGS)
    return body


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The current folder, with the module and a network made of its layers."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_layers.py").write_text(example(), encoding="utf-8")
    my_layers = user_modules.imported("my_layers")
    x = keras.Input((4, 4, 2))
    y = my_layers.CappedReLU()(keras.layers.Conv2D(4, 3)(x))
    y = keras.layers.Flatten()(my_layers.Scale(0.5)(y))
    y = keras.layers.ReLU()(my_layers.CentredDense(6)(y))
    keras.Model(x, keras.layers.Dense(3)(y)).save(tmp_path / "net.keras")
    np.savez(tmp_path / "data.npz", images=IMAGES, labels=LABELS)
    forget(my_layers)
    yield tmp_path
    forget(sys.modules["my_layers"])


def forget(module):
    """As in a process that has not imported it."""
    for name in ("Scale", "CappedReLU", "CentredDense"):
        unregister_rule(getattr(module, name))
        keras.saving.get_custom_objects().pop(f"mine>{name}")
    del sys.modules[module.__name__]


@pytest.mark.checkout
def test_example_of_the_document(folder, command):
    unknown = command("check", "net.keras")
    assert unknown.code != 0
    assert "--import=MODULE" in unknown.err
    checked = command("check", "net.keras", "--import=my_layers")
    assert checked.code == 0, checked.err
    assert re.search(r"capped_re_lu\S* +\S+ +neuron", checked.out)
    for arguments in (
        ["calibrate", "--model=net.keras", "--timesteps=4", "--output=found"],
        ["evaluate", "--model=found", "--reference=net.keras"],
        ["export", "--model=found", "--output=served"],
    ):
        data = [] if arguments[0] == "export" else ["--data=npz:data.npz"]
        done = command(*arguments, *data, "--import=keras,my_layers")
        assert done.code == 0, done.err
    assert (folder / "served" / "manifest.json").is_file()


def test_module_that_is_not_there(command):
    done = command("check", "net.keras", "--import=no_such_module")
    assert done.code == main.USAGE_ERROR
    assert "--import=no_such_module, which cannot be imported" in done.err
    assert "ModuleNotFoundError" in done.err


def test_module_that_fails(tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken_layers.py").write_text("1 / 0\n", encoding="utf-8")
    done = command(
        "export", "--model=x", "--output=y", "--import=broken_layers"
    )
    assert done.code == main.USAGE_ERROR
    assert "ZeroDivisionError" in done.err
    assert str(tmp_path) not in sys.path
