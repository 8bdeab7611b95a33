import json

import numpy as np
import pytest

from tfsnn_tools import main


@pytest.fixture(scope="module")
def export(tmp_path_factory, calibrated_folder):
    output = tmp_path_factory.mktemp("measured") / "net"
    arguments = [f"--model={calibrated_folder}", f"--output={output}"]
    assert main.run(["tfsnn", "export", *arguments]) == 0
    return output


def test_every_cell_is_measured(command, export, network_file, tmp_path):
    np.savez(tmp_path / "x.npz", images=np.zeros((4, 8, 8, 1)))
    outcome = command(
        *("benchmark", "serving", f"--exports={export}", "--seconds=0.02"),
        *(f"--analog={network_file}", "--batches=1,3", "--timesteps=4"),
        *("--json", f"--images={tmp_path}/x.npz"),
    )
    assert outcome.code == 0, outcome.err
    rows = json.loads(outcome.out)
    found = {
        (r["model"], r["signature"], r["batch"], r["through"]) for r in rows
    }
    assert found == {
        (model, signature, batch, through)
        for model, signatures in {
            "analog T=0": ["serving_default"],
            "folded T=4": ["serving_default", "anytime"],
        }.items()
        for signature in signatures
        for batch in (1, 3)
        for through in ("C API", "gRPC")
    }
    for row in rows:
        assert row["p99 ms"] >= row["p50 ms"] > 0
        assert row["images/s"] == pytest.approx(
            row["requests/s"] * row["batch"]
        )


def test_table(command, export):
    outcome = command(
        *("benchmark", "serving", f"--exports={export}", "--seconds=0.01"),
        *("--batches=1", "--timesteps=2", "--signatures=serving_default"),
    )
    assert "folded T=2" in outcome.out
    assert "p99 ms" in outcome.out
