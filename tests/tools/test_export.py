import json
import shutil
import sys

import pytest
import tensorflow as tf

from tests.support.tiny import tiny_images
from tfsnn import progress
from tfsnn.export import warmup
from tfsnn_tools import model_files


@pytest.fixture
def output(tmp_path):
    return tmp_path / "export"


def test_one_saved_model_per_t(command, calibrated_folder, output):
    outcome = command(
        "export", f"--model={calibrated_folder}", f"--output={output}"
    )
    assert outcome.code == 0
    assert f"Written: {output}" in outcome.out
    assert (output / "manifest.json").is_file()
    assert (output / "100002" / "saved_model.pb").is_file()
    assert (output / "100004" / "saved_model.pb").is_file()


def test_saved_model_is_the_calibrated_one(command, calibrated_folder, output):
    command("export", f"--model={calibrated_folder}", f"--output={output}")
    images = tiny_images()[0][:4].astype("float32") / 255
    loaded = tf.saved_model.load(str(output / "100004"))
    received = loaded.signatures["serving_default"](images=tf.constant(images))
    model = model_files.load_keras_model(calibrated_folder / "t4.keras")
    # A graph fuses operations that the eager model runs one by one.
    tf.debugging.assert_near(received["logits"], model(images), atol=1e-5)


def test_manifest_is_fed_from_the_calibration(
    command, calibrated_folder, output
):
    outcome = command(
        "export",
        f"--model={calibrated_folder}",
        f"--output={output}",
        "--name=mine",
        "--json",
    )
    written = json.loads((output / "manifest.json").read_text())
    record = json.loads((calibrated_folder / "calibration.json").read_text())
    assert json.loads(outcome.out) == written
    assert written["name"] == "mine"
    assert written["pipeline"] == record["pipeline"]
    assert written["conversion"] == record["conversion"]
    assert written["calibration"]["digest"] == record["digest"]
    assert [entry["timesteps"] for entry in written["models"]] == [2, 4]


def test_accuracy_is_recorded_with_data(
    command, calibrated_folder, output, images_file
):
    outcome = command(
        "export",
        f"--model={calibrated_folder}",
        f"--output={output}",
        f"--data=npz:{images_file}",
        "--scale=1/255",
        "--num_images=8",
        "--json",
    )
    for entry in json.loads(outcome.out)["models"]:
        assert entry["evaluation"]["num_images"] == 8
        assert 0 <= entry["evaluation"]["accuracy"] <= 1


def test_images_are_scaled_as_for_the_calibration(
    command, calibrated_folder, output, images_file
):
    """The accuracies are those with the scale of the calibration stated."""
    arguments = ["export", f"--model={calibrated_folder / 't4.keras'}"]
    arguments += [f"--data=npz:{images_file}", "--json"]
    found = []
    for name, flags in [("a", []), ("b", ["--scale=1/255"])]:
        where = f"--output={output / name}"
        outcome = command(*arguments, where, *flags)
        (entry,) = json.loads(outcome.out)["models"]
        found.append(entry["evaluation"])
    assert found[0]["accuracy"] == found[1]["accuracy"]


@pytest.mark.parametrize("format_", ["saved_model", "bundle", "litert"])
def test_says_how_far_it_is(
    command, calibrated_folder, output, monkeypatch, format_
):
    monkeypatch.setattr(progress, "SECONDS_A_LINE", 0)
    arguments = ["export", f"--model={calibrated_folder}", "--overwrite"]
    arguments += [f"--output={output}", f"--format={format_}"]
    outcome = command(*arguments)
    unit = "file" if format_ == "litert" else "model"
    assert f": 1 of 2 {unit}s, " in outcome.err
    assert f": 2 of 2 {unit}s, " in outcome.err
    outcome = command(*arguments, "--quiet")
    assert outcome.code == 0
    assert outcome.err == ""


def test_one_file(command, calibrated_folder, output):
    outcome = command(
        "export",
        f"--model={calibrated_folder / 't4.keras'}",
        f"--output={output}",
        "--json",
    )
    manifest = json.loads(outcome.out)
    assert [entry["timesteps"] for entry in manifest["models"]] == [4]
    assert manifest["pipeline"]["name"] == "light"


def test_file_without_a_record(command, calibrated_folder, output, tmp_path):
    shutil.copy(calibrated_folder / "t4.keras", tmp_path / "mine.keras")
    outcome = command(
        "export",
        f"--model={tmp_path / 'mine.keras'}",
        f"--output={output}",
        "--json",
    )
    assert outcome.code == 0
    assert json.loads(outcome.out)["pipeline"] is None


def test_analog_model(command, network_file, output):
    outcome = command("export", f"--model={network_file}", f"--output={output}")
    assert outcome.code == 1
    assert "no spiking layers" in outcome.err
    assert not output.exists()


def test_existing_folder(command, calibrated_folder, output):
    arguments = ("export", f"--model={calibrated_folder}")
    assert command(*arguments, f"--output={output}").code == 0
    outcome = command(*arguments, f"--output={output}")
    assert outcome.code == 1
    assert "--overwrite" in outcome.err
    again = command(*arguments, f"--output={output}", "--overwrite")
    assert again.code == 0


def test_foreign_folder(command, calibrated_folder, tmp_path):
    (tmp_path / "mine").write_text("x")
    outcome = command(
        "export",
        f"--model={calibrated_folder}",
        f"--output={tmp_path}",
        "--overwrite",
    )
    assert outcome.code == 1
    assert "another program's files" in outcome.err
    assert (tmp_path / "mine").read_text() == "x"


@pytest.mark.parametrize(
    "flag",
    ["--num_images=3", "--scale=2", "--mean=1", "--seed=1", "--data_dir=x"],
)
def test_flags_about_images_need_data(command, calibrated_folder, output, flag):
    outcome = command(
        "export", f"--model={calibrated_folder}", f"--output={output}", flag
    )
    assert outcome.code == 2
    assert "without --data" in outcome.err


@pytest.mark.parametrize("name", ["model", "output"])
def test_missing_flag(command, calibrated_folder, output, name):
    given = {"model": calibrated_folder, "output": output}
    given.pop(name)
    flags = [f"--{key}={value}" for key, value in given.items()]
    outcome = command("export", *flags)
    assert outcome.code == 2
    assert f"--{name} is missing" in outcome.err


def test_interruption_leaves_nothing(
    command, calibrated_folder, tmp_path, monkeypatch
):
    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(tf.saved_model, "save", interrupt)
    outcome = command(
        "export", f"--model={calibrated_folder}", f"--output={tmp_path}/out"
    )
    assert (outcome.code, outcome.err) == (130, "interrupted\n")
    assert list(tmp_path.iterdir()) == []


def test_data_are_read_before_anything_is_written(
    command, calibrated_folder, output
):
    outcome = command(
        "export",
        f"--model={calibrated_folder}",
        f"--output={output}",
        "--data=npz:no.npz",
    )
    assert outcome.code == 1
    assert "is not a file" in outcome.err
    assert not output.exists()


def test_bundle(command, calibrated_folder, output):
    outcome = command(
        "export",
        f"--model={calibrated_folder}",
        f"--output={output}",
        "--format=bundle",
        "--json",
    )
    (entry,) = json.loads(outcome.out)["models"]
    assert [m["timesteps"] for m in entry["members"]] == [2, 4]
    loaded = tf.saved_model.load(str(output / "100000"))
    assert {"t2", "t4", "t4_trace"} <= set(loaded.signatures)


def test_revision(command, calibrated_folder, output):
    arguments = ("export", f"--model={calibrated_folder}")
    for _ in range(2):
        outcome = command(*arguments, f"--output={output}", "--revise")
        assert outcome.code == 0, outcome.err
    assert "200004" in outcome.out
    assert "100004" not in outcome.out  # That of before.
    assert (output / "100004" / "saved_model.pb").is_file()


def test_files_are_decoded_in_the_graph(command, calibrated_folder, output):
    outcome = command(
        "export",
        f"--model={calibrated_folder}",
        f"--output={output}",
        "--serialized",
        "--json",
    )
    manifest = json.loads(outcome.out)
    for entry in manifest["models"]:  # As for the calibration.
        assert entry["decoding"] == {
            "scale": 1 / 255,
            "mean": [],
            "std": [],
            "crop": None,
        }
        assert "serialized" in entry["signatures"]
    provenance = manifest["provenance"]
    assert provenance["model"] == "tiny.keras"
    assert provenance["preprocessing_fields"]["scale"] == 1 / 255


def test_files_are_not_decoded_otherwise(command, calibrated_folder, output):
    where = [f"--model={calibrated_folder}", f"--output={output}"]
    outcome = command("export", *where, "--serialized", "--scale=1")
    assert outcome.code == 2
    assert "with 'x', but the network was calibrated on 'x * 0.0039" in (
        outcome.err
    )
    assert not output.exists()


def test_no_graph_holds_a_python_function(command, calibrated_folder, output):
    outcome = command(
        "export",
        f"--model={calibrated_folder}",
        f"--output={output}",
        "--serialized",
        "--preprocess=a:b",
        "--data=npz:x.npz",
    )
    assert outcome.code == 2
    assert "Received --serialized with --preprocess" in outcome.err


def test_resize_is_not_for_files(command, calibrated_folder, output):
    outcome = command(
        "export",
        f"--model={calibrated_folder}",
        f"--output={output}",
        "--serialized",
        "--resize=8,8",
    )
    assert outcome.code == 2
    assert "--resize without --data" in outcome.err


def test_without_the_extra_there_is_no_warm_up(
    command, calibrated_folder, output, monkeypatch
):
    monkeypatch.setattr(warmup, "can_write_warmup", lambda: False)
    outcome = command(
        "export", f"--model={calibrated_folder}", f"--output={output}"
    )
    assert outcome.code == 0
    assert "No warm-up requests: pip install 'tfsnn[serving]'" in outcome.out


def test_nir(command, calibrated_folder, output):
    pytest.importorskip("nir")
    outcome = command(
        "export",
        f"--model={calibrated_folder}",
        f"--output={output}",
        "--format=nir",
    )
    assert outcome.code == 0, outcome.err
    assert "t2.nir: what NIR cannot carry" in outcome.out
    assert "reset by subtraction" in outcome.out
    assert sorted(x.name for x in output.iterdir()) == [
        "report.json",
        "t2.nir",
        "t4.nir",
    ]
    report = json.loads((output / "report.json").read_text())
    assert report["t4.nir"]["losses"]


def test_litert(command, calibrated_folder, output):
    outcome = command(
        "export",
        f"--model={calibrated_folder}",
        f"--output={output}",
        "--format=litert",
        "--weights=int8",
    )
    assert outcome.code == 0, outcome.err
    assert "t2.tflite: folded, int8" in outcome.out
    report = json.loads((output / "report.json").read_text())
    size = (output / "t4.tflite").stat().st_size
    assert report["t4.tflite"]["num_bytes"] == size


def test_extra_is_named_where_it_is_missing(
    command, calibrated_folder, output, monkeypatch
):
    monkeypatch.setitem(sys.modules, "nir", None)
    outcome = command(
        "export",
        f"--model={calibrated_folder}",
        f"--output={output}",
        "--format=nir",
    )
    assert outcome.code == 1
    assert "pip install 'tfsnn[nir]'" in outcome.err
    assert not output.exists()


@pytest.mark.parametrize(
    "flags, text",
    [
        (["--potential=metadata"], "--potential with --format=saved_model"),
        (["--format=nir", "--weights=int8"], "--weights with --format=nir"),
    ],
)
def test_flags_of_another_format(
    command, calibrated_folder, output, flags, text
):
    where = [f"--model={calibrated_folder}", f"--output={output}"]
    outcome = command("export", *where, *flags)
    assert outcome.code == 2
    assert f"Received {text}" in outcome.err
    assert not output.exists()


def test_nir_takes_no_flags_of_serving(command, calibrated_folder, output):
    outcome = command(
        "export",
        f"--model={calibrated_folder}",
        f"--output={output}",
        "--format=nir",
        "--revise",
    )
    assert outcome.code == 2
    assert "--revise with --format=nir" in outcome.err
