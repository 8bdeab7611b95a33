"""Runs that take a process of their own."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

pytestmark = pytest.mark.slow

PROGRAM = """
import sys
import numpy as np
import tensorflow as tf
{before}
from tests.support.tiny import tiny_images, tiny_network
from tfsnn_models import datasets, registry
from tfsnn_tools import main

def load_split(name, split, *, data_dir=None):
    images, labels = tiny_images()
    pairs = (images, labels.astype(np.int64))
    return tf.data.Dataset.from_tensor_slices(pairs)

datasets.CARDS["tiny"] = datasets.DatasetCard(
    "tiny", (8, 8, 1), 3, (127.0,), (70.0,), 1, "none"
)
datasets.load_split = load_split
registry.build = lambda *_, **__: tiny_network()
sys.exit(main.run(["tfsnn", "train", "--dataset=tiny", *sys.argv[1:]]))
"""
TWO_DEVICES = """
cpu = tf.config.list_physical_devices("CPU")[0]
two = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(cpu, two)
"""


def start(path, *arguments, before=""):
    return subprocess.Popen(
        [
            sys.executable,
            "-c",
            PROGRAM.format(before=before),
            f"--output={path}",
            "--batch_size=8",
            *arguments,
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


def finished(process):
    text, _ = process.communicate(timeout=300)
    assert process.returncode == 0, text[-3000:]
    return text


def epochs_of(log):
    if not log.exists():
        return []
    lines = log.read_text().splitlines()[1:]
    return [int(line.partition(",")[0]) for line in lines if "," in line]


def test_a_killed_run_goes_on_at_its_last_epoch(tmp_path):
    """At most one epoch is trained twice."""
    path, log = tmp_path / "x.keras", tmp_path / "logs" / "log.csv"
    flags = ["--epochs=30", f"--log_dir={log.parent}", "--validation"]
    process = start(path, *flags)
    deadline = time.monotonic() + 200
    while len(epochs_of(log)) < 5 and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    before = epochs_of(log)
    assert 5 <= len(before) < 30
    assert not path.exists()
    finished(start(path, *flags))
    card = json.loads(path.with_suffix(".json").read_text())
    assert card["resumed"] is True
    after = epochs_of(log)[len(before) :]
    assert before[-1] <= after[0] <= before[-1] + 1
    assert after[-1] == 29
    assert not list(tmp_path.glob("*backup*"))


def test_two_devices_share_a_batch(tmp_path):
    path = tmp_path / "x.keras"
    text = finished(
        start(path, "--epochs=2", "--strategy=mirrored", before=TWO_DEVICES)
    )
    card = json.loads(path.with_suffix(".json").read_text())
    assert card["recipe"]["epochs"] == 2
    assert "2 devices" not in text  # That of a batch that cannot be divided.


def test_a_batch_that_devices_cannot_share(tmp_path):
    process = start(
        tmp_path / "x.keras",
        "--strategy=mirrored",
        "--batch_size=7",
        before=TWO_DEVICES,
    )
    text, _ = process.communicate(timeout=300)
    assert process.returncode == 2
    assert "batch_size=7 for 2 devices. Supported: multiples" in text
