import pytest

from tfsnn_tools.benchmark_tables import markdown

ROW = {
    "timesteps": 8,
    "per": "channel",
    "rounding": "round",
    "model": "net.keras",
    "model_sha256": "0123456789ab",
    "data": "tfds:cifar10",
    "tfsnn": "1.0",
    "images": 256,
    "test_images": 2000,
    "iterations": 3,
    "lag": 0,
    "seed": 0,
    "analog": 0.925,
    "accuracy": 0.9125,
    "drop": 1.25,
}


def table(*rows):
    """The lines of the only table."""
    (text,) = markdown(rows).split("\n\n|")[1:]
    return f"|{text}".splitlines()


def test_thresholds_to_the_right_timesteps_downwards():
    rows = [
        ROW | {"timesteps": 16, "drop": 0.5, "accuracy": 0.92},
        ROW,
        ROW | {"per": "layer", "rounding": "floor", "drop": -0.25},
    ]
    assert table(*rows) == [
        "| T | channel, round | layer, floor |",
        "|---|---|---|",
        "| 8 | 1.25 (91.25 %) | -0.25 (91.25 %) |",
        "| 16 | 0.50 (92.00 %) | - |",
    ]


def test_caption():
    caption, _, _ = markdown([ROW]).partition("\n")
    assert caption == (
        "net.keras (0123456789ab), tfds:cifar10: analog 92.50 % of 2000 test"
        " images; 256 calibration images, 3 bias sweeps, lag 0, seed 0, tfsnn"
        " 1.0. Drop in points (accuracy):"
    )


def test_the_later_row_counts():
    assert "| 8 | 9.00 (91.25 %) |" in table(ROW, ROW | {"drop": 9})


@pytest.mark.parametrize(
    "change",
    [{"model_sha256": "b"}, {"test_images": 9}, {"lag": 1}, {"tfsnn": "2"}],
    ids=str,
)
def test_another_set_up_is_another_table(change):
    assert markdown([ROW, ROW | change]).count("| T |") == 2


def test_rows_of_before_models_were_recorded():
    old = {
        name: value
        for name, value in ROW.items()
        if name not in ("model", "model_sha256", "data", "tfsnn")
    }
    assert markdown([old]).startswith("unnamed model (unknown), unknown data:")
