from tfsnn_tools.benchmark_pipeline_tables import markdown

ROW = {
    "timesteps": 8,
    "clock": "0",
    "pipeline": "light",
    "latency_steps": 8,
    "model": "net.keras",
    "model_sha256": "0123456789ab",
    "data": "tfds:cifar10",
    "tfsnn": "1.0",
    "images": 256,
    "test_images": 2000,
    "seed": 0,
    "analog": 0.925,
    "drop": 1.5,
}


def lines(*rows):
    return markdown(rows).splitlines()[2:]


def test_clocks_and_pipelines_downwards_timesteps_to_the_right():
    rows = [
        ROW,
        ROW | {"timesteps": 4, "latency_steps": 4, "drop": 3},
        ROW | {"clock": "1", "latency_steps": 27, "drop": 0.5},
        ROW | {"clock": "T", "pipeline": "trained", "latency_steps": 152},
    ]
    assert lines(*rows) == [
        "| clock | pipeline | T=4 | T=8 |",
        "|---|---|---|---|",
        "| pipelined | light | 3.00 (4 steps) | 1.50 (8 steps) |",
        "| lag 1 | light | - | 0.50 (27 steps) |",
        "| two-phase | trained | - | 1.50 (152 steps) |",
    ]


def test_neurons_that_are_not_plain_are_named():
    found = lines(ROW | {"neuron": "if"}, ROW | {"neuron": "burst 4"})
    assert [line.split(" | ")[1] for line in found[2:]] == [
        "light",
        "light, burst 4",
    ]


def test_seeds_are_averaged():
    rows = [ROW | {"seed": n, "drop": d} for n, d in enumerate((1, 2, 3))]
    assert lines(*rows)[2] == "| pipelined | light | 2.00 ± 1.00 (8 steps) |"


def test_the_later_row_of_a_seed_counts():
    assert "| 9.00 (8 steps) |" in lines(ROW, ROW | {"drop": 9})[2]


def test_caption():
    caption = markdown([ROW, ROW | {"seed": 2}]).splitlines()[0]
    assert caption == (
        "net.keras (0123456789ab), tfds:cifar10: analog 92.50 % of 2000 test"
        " images; 256 calibration images, seeds 0, 2, tfsnn 1.0. Mean drop in"
        " points (latency):"
    )


def test_another_set_up_is_another_table():
    assert markdown([ROW, ROW | {"images": 9}]).count("| clock |") == 2
