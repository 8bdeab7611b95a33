import os
import subprocess
import sys

import numpy as np
import pytest

from tfsnn.conversion import timesteps_of
from tfsnn.layers import SpikingActivation
from tfsnn_tools import model_files, simulation_cell

SPIKING_TIME = "spiking_ms_per_image"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    simulation_cell.write_models(folder, 2, 2, "mixed_bfloat16")
    return folder


def test_models(folder):
    model = model_files.load_keras_model(folder / simulation_cell.SPIKING)
    cells = [x.cell for x in model.layers if isinstance(x, SpikingActivation)]
    assert timesteps_of(model) == 2
    assert len(cells) == 19
    assert all(np.all(np.asarray(cell.threshold) == 1) for cell in cells)


@pytest.mark.parametrize("execution", simulation_cell.EXECUTIONS)
def test_best_times(folder, monkeypatch, execution):
    monkeypatch.setattr(simulation_cell, "ANALOG_BATCHES", (1,))
    times = simulation_cell.best_times(folder, execution, [1], 1)
    assert list(times) == ["batch", "analog_ms_per_image", SPIKING_TIME]
    assert min(times.values()) > 0


def test_each_network_gets_its_best_batch(tmp_path, monkeypatch):
    seconds = [6.4, 6.4, 3.0, 4.0]  # Of 64 and 128 analog, 1 and 2 spiking.
    monkeypatch.setattr(
        simulation_cell, "_runners", lambda path, execution, batches: batches
    )
    monkeypatch.setattr(simulation_cell, "in_turn", lambda *_: seconds)
    times = simulation_cell.best_times(tmp_path, "folded", [1, 2], 1)
    assert times["batch"] == 2
    assert times["analog_ms_per_image"] == pytest.approx(50)
    assert times[SPIKING_TIME] == 2000


@pytest.mark.parametrize("execution", simulation_cell.EXECUTIONS)
def test_peak_memory(folder, execution):
    megabytes = simulation_cell.peak_memory_mb(folder, execution, 1)
    # TensorFlow alone takes some hundreds; 20 GB would be a wrong unit.
    assert 100 < megabytes < 20_000


def test_in_turn():
    calls = []
    functions = [lambda: calls.append("a"), lambda: calls.append("b")]
    assert len(simulation_cell.in_turn(functions, 2)) == 2
    assert calls == ["a", "b"] * 3


def test_children_are_fresh_and_leak_nothing():
    code = (
        "import os; from tfsnn_tools.simulation_cell import in_child;"
        "ids = [in_child(os.getpid) for _ in range(2)];"
        "print(len({os.getpid(), *ids}))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ,
    )
    assert (result.stdout, result.stderr) == ("3\n", "")
