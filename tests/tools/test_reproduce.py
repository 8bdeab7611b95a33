"""The paper's tables on a tiny network and tiny images."""

import json

import keras
import numpy as np
import pytest

import tfsnn
from tests.support.tiny import tiny_images, tiny_network
from tfsnn import pipelines
from tfsnn.baselines import hybrid
from tfsnn.errors import DataError
from tfsnn_models.layer_table import layer_table, totals
from tfsnn_tools import (
    cell_file,
    distribution,
    image_memory,
    reproduction_run,
)
from tfsnn_tools.reproduction_run import Job


@pytest.fixture
def reproduce(command, network_file, data, tmp_path):
    """Runs a small part of Table 9 with flags replaced by name."""
    good = {
        "table": 9,
        "blocks": "vgg16_cifar10",
        "methods": "opt,paper_light",
        "model": f"vgg16_cifar10:{network_file}",
        "models": tmp_path,
        "data": data,
        "timesteps": "2",
        "images": 16,
        "test_images": 20,
        "output": tmp_path / "out",
    }

    def run(*more, **changes):
        flags = {**good, **changes}
        texts = [f"--{k}={v}" for k, v in flags.items() if v is not None]
        return command("reproduce", *texts, *more)

    return run


def rows(tmp_path):
    return cell_file.finished_cells(tmp_path / "out" / "cells.jsonl")


def test_a_failed_cell_is_reported_and_the_rest_go_on(
    reproduce, tmp_path, network_file
):
    """There is no ResNet-20; the columns of Table 7 are numbers of images."""
    outcome = reproduce(
        table=7,
        blocks="",
        methods="",
        seeds="0",
        model=f"vgg16_cifar100:{network_file}",
    )
    assert outcome.code == 1
    status = [row["status"] for row in rows(tmp_path)]
    assert status == ["done"] * 4 + ["failed"] * 4
    text = (tmp_path / "out" / "table.md").read_text()
    assert text.strip() in outcome.out
    ours = [f"{100 * row['accuracy']:.2f}" for row in rows(tmp_path)[:4]]
    analog = f"{100 * rows(tmp_path)[0]['analog']:.2f}"
    assert (
        f"| MMSE + BC | yes | yes | 77.89 / {analog}"
        f" | 64.50 ± 1.19 / {ours[0]} | 65.12 ± 1.02 / {ours[1]}"
        f" | 66.04 ± 0.72 / {ours[2]} | 66.20 ± 0.58 / {ours[3]} |"
    ) in text
    # Under its own name, not that of the paper's network.
    assert (
        "**VGG-16 CIFAR100**\n\nMeasured on: tiny, 55 parameters.\n\n| m"
        in text
    )
    assert "**ResNet-20 CIFAR100**\n\n| method" in text
    assert "| 77.16 / - | 75.35 ± 0.16 / failed [1] |" in text
    assert "[1] failed: No trained network" in text
    assert "resnet20_wide_cifar100.keras'. Train one with tfsnn train" in text


def test_the_table_as_json(reproduce, tmp_path):
    reproduce(methods="opt", seeds="0,1", timesteps="2")
    record = json.loads((tmp_path / "out" / "table.json").read_text())
    assert (record["table"], record["unit"]) == (9, "%")
    failed, done = record["figures"]
    assert failed["ours"] == [] and "No trained" in failed["failed"][0]
    assert (done["paper"], done["paper_analog"]) == (None, 95.72)
    assert len(done["ours"]) == 2
    assert done["mean"] == pytest.approx(np.mean(done["ours"]))
    assert done["deviation"] == pytest.approx(np.std(done["ours"], ddof=1))


def test_goes_on_where_it_stopped(reproduce, tmp_path, network_file):
    """Only cells that are not done run; failed ones run again."""
    both = f"vgg16_cifar10:{network_file},vgg16_cifar10_nobn:{network_file}"
    assert reproduce(methods="opt", timesteps="2").code == 1
    first = rows(tmp_path)
    outcome = reproduce(methods="opt", timesteps="2", model=both)
    assert outcome.code == 0, outcome.err
    second = rows(tmp_path)
    assert second[:2] == first
    assert [row["status"] for row in second] == ["failed", "done", "done"]
    assert reproduce(methods="opt", timesteps="2", model=both).code == 0
    assert rows(tmp_path) == second


def test_extra_pipelines_are_lines_of_their_own(reproduce, tmp_path):
    outcome = reproduce(methods="tsc", also="uncalibrated", timesteps="2")
    assert outcome.code == 1
    text = (tmp_path / "out" / "table.md").read_text()
    assert "| TSC | no | no | 93.63 / - | - / failed [1] |" in text
    assert "[1] failed: No trained network" in text
    assert "| uncalibrated | yes | no | - / " in text


def test_lines_of_ones_own_alone(reproduce, tmp_path):
    outcome = reproduce(methods="none", also="opt,uncalibrated")
    assert outcome.code == 0, outcome.err
    found = [(row["method"], row["convert_ap"]) for row in rows(tmp_path)]
    assert found == [("opt", False), ("uncalibrated", False)]


def test_hybrid_training_uses_labels(reproduce, tmp_path, network_file):
    outcome = reproduce(
        methods="hybrid",
        timesteps="2",
        model=f"vgg16_cifar10_nobn:{network_file}",
        hybrid_epochs=1,
        hybrid_images=16,
    )
    assert outcome.code == 0, outcome.err
    (row,) = rows(tmp_path)
    assert (row["hybrid_epochs"], row["hybrid_images"]) == (1, 16)


def test_any_method_is_a_line_and_iterations_are_part_of_its_cell(
    reproduce, tmp_path
):
    """Only cells of methods that train weights differ by iterations."""
    part = {"methods": "opt", "also": "paper_advanced", "timesteps": "2"}
    reproduce(weight_iterations=2, **part)
    reproduce(weight_iterations=3, **part)
    reproduce(weight_iterations=2, **part)
    done = [row for row in rows(tmp_path) if row["status"] == "done"]
    assert [(row["method"], row.get("weight_iterations")) for row in done] == [
        ("opt", None),
        ("paper_advanced", 2),
        ("paper_advanced", 3),
    ]


def test_minutes(reproduce, tmp_path, network_file):
    outcome = reproduce(
        table=6,
        blocks="vgg16_cifar100",
        methods="table_mmse_bc",
        model=f"vgg16_cifar100:{network_file}",
        timesteps="2",
        seeds="0",
    )
    assert outcome.code == 0, outcome.err
    (figure,) = json.loads((tmp_path / "out/table.json").read_text())["figures"]
    (row,) = rows(tmp_path)
    assert figure["ours"] == [row["calibration_seconds"] / 60]


def test_figures_of_earlier_runs_stay_in_the_table(
    reproduce, tmp_path, network_file
):
    """Of those measured twice the ones asked for last, or measured last."""
    part = {"methods": "none", "also": "uncalibrated"}
    reproduce(timesteps="2", seeds="0,1", **part)
    reproduce(timesteps="3", seeds="0,1", test_images=10, **part)
    reproduce(timesteps="3", test_images=15, seeds="0", **part)
    outcome = reproduce(timesteps="4", seeds="0", **part)
    assert outcome.code == 0, outcome.err
    done = rows(tmp_path)
    assert len(done) == 2 + 2 + 1 + 1
    record = json.loads((tmp_path / "out" / "table.json").read_text())
    found = {figure["timesteps"]: figure for figure in record["figures"]}
    assert found.keys() == {2, 3, 4}
    assert [found[T]["test_images"] for T in (2, 3, 4)] == [20, 15, 20]
    assert [found[T]["seeds"] for T in (2, 3, 4)] == [[0, 1], [0], [0]]
    assert found[3]["ours"] == [100 * done[-2]["accuracy"]]
    text = (tmp_path / "out" / "table.md").read_text()
    assert "| analog | T=2 | T=3 | T=4 |" in text
    assert text.count("| uncalibrated |") == 1
    digest = done[0]["model_sha256"]
    assert found[3]["model_sha256"] == digest
    now, before = text.split("From earlier runs in this folder:")
    assert "From this run:\n\n- VGG-16 CIFAR10, T=4: 20 test images" in now
    for T, tested in ((2, 20), (3, 15)):
        assert (
            f"- VGG-16 CIFAR10, T={T}: {tested} test images of npz:"
        ) in before
    assert f"16 to calibrate, network {digest}, tfsnn" in before
    assert "T=4:" not in before
    # The analog accuracy on 20 images, and on 15.
    analog = [f"{100 * done[n]['analog']:.2f}" for n in (0, -2)]
    assert f"- / {', '.join(dict.fromkeys(analog))} |" in text


def test_what_is_named_twice_is_run_once(reproduce, tmp_path):
    outcome = reproduce(
        methods="none", also="uncalibrated,uncalibrated", seeds="1,0,1"
    )
    assert outcome.code == 0, outcome.err
    assert [row["seed"] for row in rows(tmp_path)] == [1, 0]


def test_an_output_that_is_a_file(reproduce, tmp_path):
    (tmp_path / "out").write_text("precious")
    outcome = reproduce()
    assert outcome.code == 1
    assert "which cannot be written to: it is a file" in outcome.err
    assert (tmp_path / "out").read_text() == "precious"


def test_paths_hold_in_any_folder(tmp_path, monkeypatch):
    """A worker of a cluster is started somewhere else."""
    monkeypatch.chdir(tmp_path)
    found = reproduction_run.with_whole_paths(job("a.keras", "npz:b.npz:x"))
    assert found.file == str(tmp_path / "a.keras")
    assert found.data == f"npz:{tmp_path / 'b.npz:x'}"
    assert found.data_dir is None
    assert found.key == job("", "").key
    assert reproduction_run.with_whole_paths(job("a", "no")).data == "no"
    given = job("/a.keras", "tfds:cifar10")._replace(data_dir="tfds")
    found = reproduction_run.with_whole_paths(given)
    assert (found.file, found.data) == (given.file, given.data)
    assert found.data_dir == str(tmp_path / "tfds")


def test_a_cell_that_a_cluster_could_not_finish_failed(
    reproduce, tmp_path, monkeypatch
):
    """The others go on."""

    def without_ray(function, jobs, address, *, lost):
        assert address == "head:6379"
        first, *others = jobs
        yield first, lost(first, RuntimeError("Worker died\nand more"))
        for job in others:
            yield job, function(job)

    monkeypatch.setattr(distribution, "run_with_ray", without_ray)
    outcome = reproduce(
        "--ray-address=head:6379",
        methods="none",
        also="uncalibrated",
        seeds="0,1",
    )
    assert outcome.code == 1
    assert [row["status"] for row in rows(tmp_path)] == ["failed", "done"]
    text = (tmp_path / "out" / "table.md").read_text()
    assert "finish it: RuntimeError: Worker died If its worker was lost" in text


def priced(network_file, num_cells, steps):
    """What a dry run says of cells that amount to so many forward steps."""
    macs = totals(layer_table(keras.models.load_model(network_file)))[1]
    return f"vgg16_cifar10: {num_cells} cells, {steps * macs:.2e} mult"


@pytest.mark.parametrize("spelling", ["--dry-run", "--dry_run"])
def test_a_dry_run_runs_nothing(reproduce, tmp_path, network_file, spelling):
    outcome = reproduce(spelling)
    assert outcome.code == 0, outcome.err
    assert "Table 9: 4 cells." in outcome.out
    assert f"'{network_file}' is there" in outcome.out
    assert "vgg16_cifar10_nobn.keras' is MISSING" in outcome.out
    # The network's, T, and twice 16 calibration and 20 test images; 2 cells.
    steps = 2 * 2 * (2 * 16 + 20)
    assert priced(network_file, 2, steps) in outcome.out
    missing = steps * 313_201_664
    assert f"vgg16_cifar10_nobn: 2 cells, {missing:.2e} mult" in outcome.out
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("images", "count"), [(16, 16), (None, 50_000)])
def test_hybrid_training_costs_its_epochs(
    reproduce, network_file, images, count
):
    """Over the images it trains on: forward, and twice as much back."""
    outcome = reproduce(
        "--dry-run",
        methods="none",
        also="hybrid",
        seeds="0",
        hybrid_epochs=5,
        hybrid_images=images,
    )
    steps = 2 * (2 * 16 + 20 + 3 * 5 * count)
    assert priced(network_file, 1, steps) in outcome.out


@pytest.mark.parametrize(("iterations", "count"), [(None, 5000), (70, 70)])
def test_weight_calibration_costs_its_batches(
    reproduce, network_file, iterations, count
):
    """Of 32 images, forward and twice as much back, for any T."""
    outcome = reproduce(
        "--dry-run",
        methods="none",
        also="paper_advanced",
        seeds="0",
        weight_iterations=iterations,
    )
    steps = 2 * (2 * 16 + 20) + 3 * 32 * count
    assert priced(network_file, 1, steps) in outcome.out


def test_a_search_costs_its_candidates(reproduce, network_file):
    part = {"methods": "none", "also": "best", "seeds": "0"}
    outcome = reproduce("--dry-run", **part)
    steps = 2 * (2 * sum(pipelines.best().costs) * 16 + 20)
    assert priced(network_file, 1, steps) in outcome.out


def test_finished_cells_cost_nothing(reproduce):
    part = {"methods": "none", "also": "uncalibrated"}
    reproduce(seeds="0", **part)
    outcome = reproduce("--dry-run", seeds="0,1,2", **part)
    assert "Table 9: 3 cells. 1 of them are finished." in outcome.out
    assert "vgg16_cifar10: 2 cells" in outcome.out
    outcome = reproduce("--dry-run", seeds="0", **part)
    assert "1 cells. 1 of them are finished." in outcome.out
    assert "Together about 0.0 minutes" in outcome.out


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"table": 1}, "--table=1. Supported: 2, 3, 4, 5, 6, 7, 8, 9"),
        ({"blocks": "vgg"}, "--blocks=vgg, of which vgg is unknown. Supported"),
        ({"methods": "magic"}, "magic is unknown. Supported: spike_norm"),
        ({"methods": "none"}, "Supported: none alone, with lines in --also"),
        ({"methods": "none,opt"}, "Supported: none alone, with lines in"),
        ({"also": "magic"}, "magic is unknown. Supported: uncalibrated"),
        ({"timesteps": "0"}, "--timesteps=0. Supported: whole numbers from 1"),
        ({"seeds": "x"}, "--seeds=x. Supported: whole numbers from 0"),
        ({"model": "net.keras"}, "--model=net.keras. Supported: NETWORK_DATA"),
        ({"model": "vgg:a.keras"}, "vgg, which Table 9 does not have. Supp"),
        ({"table": None}, "--table is missing"),
    ],
)
def test_usage_errors(reproduce, tmp_path, changes, text):
    outcome = reproduce(**changes)
    assert outcome.code == 2
    assert text in outcome.err
    assert not (tmp_path / "out").exists()


def test_a_table_of_numbers_of_images_takes_one_t(reproduce):
    part = {"blocks": "vgg16_cifar100", "methods": None, "model": None}
    outcome = reproduce("--dry-run", table=7, timesteps="8,16", **part)
    assert outcome.code == 2
    assert "--timesteps=8,16 for Table 7" in outcome.err


def job(file, data, **changes):
    key = {
        "method": "opt",
        "convert_ap": False,
        "timesteps": 2,
        "images": 16,
        "test_images": 20,
        "seed": 0,
        **changes,
    }
    return Job(key, str(file), data, "test", None, 1, None)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"method": "magic"}, "Unknown method 'magic'"),
        ({"timesteps": 0}, "timesteps"),
    ],
)
def test_reasons_of_failures(network_file, data, changes, text):
    row = reproduction_run.run(job(network_file, data, **changes))
    assert row["status"] == "failed"
    assert text in row["reason"]


def test_trains_that_do_not_fit_are_found_before_the_calibration(
    network_file, data, monkeypatch
):
    """The spikes of a calibration would, those for the gradient would not."""
    monkeypatch.setattr(hybrid, "available_bytes", lambda: 100)
    monkeypatch.delattr(tfsnn, "calibrate")
    row = reproduction_run.run(job(network_file, data, method="hybrid"))
    assert row["status"] == "failed"
    assert "One image takes about" in row["reason"]


def test_test_images_that_do_not_fit_are_read_as_they_are_used(
    network_file, data, monkeypatch
):
    def run():
        row = reproduction_run.run(job(network_file, data))
        assert row.pop("status") == "done", row["reason"]
        return {k: v for k, v in row.items() if not k.endswith("seconds")}

    def forget():
        reproduction_run._test.cache_clear()
        reproduction_run._reference.cache_clear()

    forget()
    expected = run()
    monkeypatch.setattr(image_memory, "fits", lambda *_: False)
    monkeypatch.setattr(image_memory, "images_of_a_part", lambda _: 7)
    forget()
    try:
        assert run() == expected
    finally:
        forget()


def test_spikes_that_do_not_fit_are_a_reason(tmp_path, data):
    """Of a second layer: the current of the first has no steps."""
    tiny = tiny_network()
    x = keras.layers.Dense(4, activation="relu")(tiny.output)
    keras.Model(tiny.input, keras.layers.Dense(3)(x)).save(tmp_path / "n.keras")
    row = reproduction_run.run(job(tmp_path / "n.keras", data, timesteps=10**9))
    assert row["status"] == "failed"
    assert "one T of about" in row["reason"]


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("first\nsecond"), "first"),
        (
            NameError("in user code:\n\n  File x\n\n  NameError: y\n"),
            "NameError: y",
        ),
        (
            RuntimeError(
                "Graph execution error:\n\nDetected at node zeros defined at"
                ' (most recent call last):\n  File "a.py", line 1, in f\n\n'
                "OOM when allocating tensor\n\n\t [[{{node zeros}}]]"
            ),
            "OOM when allocating tensor",
        ),
        (
            RuntimeError(
                "Exception encountered when calling A.call().\n\n"
                "\x1b[1mOOM when allocating\x1b[0m"
            ),
            "OOM when allocating",
        ),
        (ValueError('File "a.npz" is none.'), 'File "a.npz" is none.'),
        (DataError("2 problems:\n  one\n  two"), "2 problems: one two"),
        (MemoryError(), "MemoryError"),
        (KeyError("image"), "KeyError: 'image'"),
    ],
)
def test_the_line_that_tells_is_the_reason(
    network_file, data, monkeypatch, error, text
):
    def fail(_):
        raise error

    monkeypatch.setattr(reproduction_run, "_figures", fail)
    row = reproduction_run.run(job(network_file, data))
    assert (row["status"], row["reason"]) == ("failed", text)
    assert "in fail" in "".join(row["traceback"])


def test_data_that_are_not_there(network_file, tmp_path):
    row = reproduction_run.run(job(network_file, f"npz:{tmp_path / 'no.npz'}"))
    assert row["status"] == "failed"
    assert "no.npz" in row["reason"]


def test_too_few_classes(network_file, tmp_path):
    """Labels that the network has no output for."""
    images, labels = tiny_images()
    path = tmp_path / "more.npz"
    np.savez(
        path,
        train_images=images,
        train_labels=labels,
        test_images=images,
        test_labels=labels + 5,
    )
    row = reproduction_run.run(job(network_file, f"npz:{path}"))
    assert row["status"] == "failed"
    assert "labels" in row["reason"]


@pytest.mark.slow
def test_ray_gives_what_a_serial_run_gives(reproduce, tmp_path, network_file):
    pytest.importorskip("ray", reason="needs the extra 'distributed'")
    options = {
        "methods": "opt,paper_light",
        "model": f"vgg16_cifar10:{network_file},"
        f"vgg16_cifar10_nobn:{network_file}",
    }
    figures = []
    for name, more in (("serial", []), ("ray", ["--ray-address=local"])):
        outcome = reproduce(*more, **options, output=tmp_path / name)
        assert outcome.code == 0, outcome.out
        record = json.loads((tmp_path / name / "table.json").read_text())
        figures.append(record["figures"])
    assert figures[0] == figures[1]
