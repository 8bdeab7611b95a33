import hashlib
import json
import pathlib
import tempfile

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.support.tiny import tiny_images, tiny_network
from tfsnn_models import datasets, recipes, registry, training
from tfsnn_tools import network_files, training_run


@pytest.fixture
def tiny_job(monkeypatch):
    """A tiny network and data set in place of those of the zoo."""
    card = datasets.DatasetCard(
        name="tiny",
        input_shape=(8, 8, 1),
        num_classes=3,
        pixel_mean=(127.0,),
        pixel_std=(70.0,),
        padding=1,
        licence="none",
    )

    def load_split(name, split, *, data_dir=None):
        images, labels = tiny_images()
        return tf.data.Dataset.from_tensor_slices(
            (images, labels.astype(np.int64))
        )

    def training_batches(examples, *, batch_size, **_):
        return datasets.evaluation_batches(examples, batch_size=16)

    monkeypatch.setitem(datasets.CARDS, "tiny", card)
    monkeypatch.setattr(datasets, "load_split", load_split)
    monkeypatch.setattr(datasets, "training_batches", training_batches)
    monkeypatch.setattr(registry, "build", lambda *_, **__: tiny_network())
    monkeypatch.setattr(
        training,
        "train",
        lambda model, batches, recipe, **_: {"accuracy": [0.25, 0.5]},
    )


@pytest.fixture
def never_trained(monkeypatch):
    """A test that trains fails."""
    monkeypatch.setattr(training, "train", None)


def arguments(path, **changes):
    given = {"dataset": "tiny", "output": path, **changes}
    return ("train", *(f"--{name}={value}" for name, value in given.items()))


def test_model_and_card(command, tiny_job, tmp_path):
    path = tmp_path / "weights" / "tiny.keras"
    outcome = command(
        "train", "--dataset=tiny", "--epochs=2", "--seed=3", f"--output={path}"
    )
    assert outcome.code == 0, outcome.err
    card = json.loads(path.with_suffix(".json").read_text())
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert card["sha256"] == digest
    assert card["parameters"] == tiny_network().count_params()
    assert card["training_accuracy"] == 0.5
    assert card["recipe"]["epochs"] == 2
    assert card["resumed"] is False
    assert "--epochs=2" in card["command"]
    assert "--seed=3" in card["command"]
    assert 0 <= card["test_accuracy"] <= 1
    assert json.loads(outcome.out) == {
        name: value for name, value in card.items() if name != "sha256"
    }
    assert sorted(file.name for file in path.parent.iterdir()) == [
        "tiny.json",
        "tiny.keras",
    ]


def test_goes_on_from_other_weights(command, tiny_job, tmp_path, monkeypatch):
    first, second = tmp_path / "first.keras", tmp_path / "second.keras"
    assert command(*arguments(first)).code == 0
    weights = []

    def train_on(model, batches, recipe, **_):
        weights.append((recipe.learning_rate, model.get_weights()))
        return {"accuracy": [0.5]}

    monkeypatch.setattr(training, "train", train_on)
    outcome = command(
        *arguments(second, start_from=first, learning_rate=0.05, seed=1)
    )
    card = json.loads(outcome.out)
    assert card["started_from"] == json.loads(
        first.with_suffix(".json").read_text()
    )
    for option in ("--learning_rate=0.05", f"--start_from={first}"):
        assert option in card["command"]
    ((rate, started),) = weights
    assert rate == 0.05
    saved = keras.models.load_model(first).get_weights()
    for a, b in zip(started, saved, strict=True):
        np.testing.assert_array_equal(a, b)


def test_weights_without_a_card_are_refused(command, never_trained, tmp_path):
    tiny_network().save(tmp_path / "bare.keras")
    outcome = command(
        "train",
        f"--start_from={tmp_path / 'bare.keras'}",
        f"--output={tmp_path / 'x.keras'}",
    )
    assert outcome.code == 2
    assert "bare.json' is missing. Supported" in outcome.err


@pytest.mark.parametrize("text", ["{cut", "[1]"])
def test_a_damaged_card(command, never_trained, tmp_path, text):
    tiny_network().save(tmp_path / "x.keras")
    (tmp_path / "x.json").write_text(text)
    outcome = command(
        "train",
        f"--start_from={tmp_path / 'x.keras'}",
        f"--output={tmp_path / 'y.keras'}",
    )
    assert outcome.code == 2
    assert "x.json' is no JSON object. Supported" in outcome.err


def test_a_loss_that_is_no_number_is_explained(
    command, real_job, tmp_path, monkeypatch
):
    """And leaves nothing that the same command would go on from."""

    def diverge(*_, **__):
        raise_it = keras.layers.Rescaling(1e38)
        image = keras.Input((8, 8, 1))
        x = keras.layers.Flatten()(raise_it(raise_it(image)))
        return keras.Model(image, keras.layers.Dense(3)(x), name="tiny")

    monkeypatch.setattr(registry, "build", diverge)
    outcome = command(*arguments(tmp_path / "x.keras", epochs=2, batch_size=8))
    assert outcome.code == 1
    assert "error: The training loss is not finite. Lower" in outcome.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("policy", recipes.DTYPE_POLICIES)
def test_trains_in_the_policy_asked_for(
    command, tiny_job, tmp_path, monkeypatch, policy
):
    """The weights are float32, and so is the network that is written."""
    built = []

    def build(*_, **__):
        built.append(keras.config.dtype_policy().name)
        return tiny_network()

    monkeypatch.setattr(registry, "build", build)
    path = tmp_path / "x.keras"
    card = json.loads(command(*arguments(path, dtype_policy=policy)).out)
    # For the shapes, to train, and to keep.
    assert built == [policy, policy, "float32"]
    assert card["recipe"]["dtype_policy"] == policy
    assert keras.config.dtype_policy().name == "float32"


def interrupted(command, monkeypatch, path, **changes):
    """Runs a training that stops after its first epoch is backed up."""

    def stop(model, batches, recipe, *, backup, **_):
        backup.mkdir()
        model.save_weights(backup / "epoch-1.weights.h5")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(training, "train", stop)
        assert command(*arguments(path, **changes)).code == 130


def test_the_same_run_is_resumed(command, tiny_job, tmp_path, monkeypatch):
    path = tmp_path / "x.keras"
    interrupted(command, monkeypatch, path, seed=3)
    (backup,) = tmp_path.iterdir()
    resumed = []

    def train_on(model, batches, recipe, *, backup, **_):
        resumed.append(backup)
        return {"accuracy": [0.5]}

    def training_batches(examples, *, seed, **_):
        seeds.append(seed)
        return datasets.evaluation_batches(examples, batch_size=16)

    seeds = []
    monkeypatch.setattr(training, "train", train_on)
    monkeypatch.setattr(datasets, "training_batches", training_batches)
    outcome = command(*arguments(path, seed=3))
    assert json.loads(outcome.out)["resumed"] is True
    assert seeds == [3 + 1]  # It does not draw as at its beginning.
    assert resumed == [backup]


@pytest.mark.parametrize(
    "changes", [{"seed": 4}, {"epochs": 7}, {"network": "resnet32"}], ids=str
)
def test_another_run_is_not_resumed(
    command, tiny_job, tmp_path, monkeypatch, changes
):
    path = tmp_path / "x.keras"
    interrupted(command, monkeypatch, path, seed=3)
    outcome = command(*arguments(path, **{"seed": 3, **changes}))
    assert json.loads(outcome.out)["resumed"] is False


def test_backup_of_another_data_set():
    path = pathlib.Path("x.keras")
    folders = [network_files.backup_folder(path, dataset=name) for name in "ab"]
    assert folders[0] != folders[1]
    assert all(x.name.startswith("x.keras.backup-") for x in folders)


@pytest.mark.parametrize("name", ["x.keras", "x.json"])
def test_existing_output(command, tiny_job, never_trained, tmp_path, name):
    (tmp_path / name).write_text("precious")
    outcome = command(*arguments(tmp_path / "x.keras"))
    assert outcome.code == 1
    assert f"{name}' exists. Supported: a new file and card" in outcome.err
    assert (tmp_path / name).read_text() == "precious"


def test_overwrite(command, tiny_job, tmp_path):
    path = tmp_path / "x.keras"
    path.write_text("old")
    assert command(*arguments(path), "--overwrite").code == 0
    assert json.loads(path.with_suffix(".json").read_text())["sha256"] == (
        hashlib.sha256(path.read_bytes()).hexdigest()
    )


def test_output_of_another_kind(command, tiny_job, never_trained, tmp_path):
    outcome = command(*arguments(tmp_path / "x.h5"))
    assert outcome.code == 1
    assert "Supported: names that end in .keras" in outcome.err


def test_the_log_of_another_run(command, tiny_job, never_trained, tmp_path):
    (tmp_path / "log.csv").write_text("epoch,loss\n0,1\n")
    flags = arguments(tmp_path / "x.keras", log_dir=tmp_path)
    outcome = command(*flags)
    assert outcome.code == 2
    assert "holds the log.csv of another run" in outcome.err


def test_a_folder_is_never_replaced(command, tiny_job, never_trained, tmp_path):
    outcome = command(*arguments(tmp_path), "--overwrite")
    assert outcome.code == 1
    assert "exists" in outcome.err


def test_folder_that_cannot_be_made(command, tiny_job, never_trained, tmp_path):
    (tmp_path / "file").write_text("")
    outcome = command(*arguments(tmp_path / "file" / "x.keras"))
    assert outcome.code == 1
    assert "file', which cannot be written to: it is a file" in outcome.err


def test_a_log_folder_that_is_a_file(
    command, tiny_job, never_trained, tmp_path
):
    (tmp_path / "logs").write_text("")
    outcome = command(
        *arguments(tmp_path / "x.keras", log_dir=tmp_path / "logs")
    )
    assert outcome.code == 1
    assert "--log_dir in the folder" in outcome.err
    assert "which cannot be written to: it is a file" in outcome.err


def test_folder_that_cannot_be_written(
    command, tiny_job, never_trained, tmp_path, monkeypatch
):
    def refuse(**_):
        raise PermissionError(13, "Permission denied", str(tmp_path))

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    outcome = command(*arguments(tmp_path / "x.keras"))
    assert outcome.code == 1
    assert "Permission denied" in outcome.err


def test_accuracy_of():
    examples = (np.eye(3, dtype="float32"), np.array([0, 1, 1]))
    batches = tf.data.Dataset.from_tensor_slices(examples).batch(2)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Flatten()])
    assert training_run.accuracy_of(model, batches) == 2 / 3


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ([], "--output is missing"),
        (
            ["--output=x.keras", "--dataset=no"],
            "--dataset: Data set 'no' has no card",
        ),
        (["--output=x.keras", "--epochs=0"], "flag --epochs"),
        (["--output=x.keras", "extra"], "unexpected arguments: extra"),
    ],
)
def test_usage_errors(command, given, text):
    outcome = command("train", *given)
    assert outcome.code == 2
    assert text in outcome.err


def test_unknown_network(command, tmp_path):
    outcome = command(
        "train", "--network=resnet2", f"--output={tmp_path / 'x.keras'}"
    )
    assert outcome.code == 1
    assert "Unknown network 'resnet2'" in outcome.err
    assert list(tmp_path.iterdir()) == []


def test_the_recipe_of_the_paper(command, tiny_job, tmp_path):
    """Flags replace parts of it."""
    outcome = command(
        *arguments(
            tmp_path / "x.keras",
            recipe="paper",
            batch_norm="false",
            weight_decay=0.25,
        )
    )
    recipe = json.loads(outcome.out)["recipe"]
    assert (recipe["epochs"], recipe["learning_rate"]) == (300, 0.005)
    assert recipe["weight_decay"] == 0.25
    assert recipe["augmentation"] == "strong"


def test_the_recipe_for_imagenet_is_there_for_any_data(
    command, tiny_job, tmp_path
):
    flags = arguments(tmp_path / "x.keras", recipe="paper_imagenet", epochs=7)
    recipe = json.loads(command(*flags).out)["recipe"]
    expected = recipes.paper_recipe("imagenet2012", batch_norm=True, epochs=7)
    assert recipe == expected.to_dict()
    assert (recipe["ema"], recipe["label_smoothing"]) == (0.999, 0.1)


def test_options_of_the_network(command, tiny_job, tmp_path, monkeypatch):
    seen = []

    def build(*_, **options):
        seen.append(options)
        return tiny_network()

    monkeypatch.setattr(registry, "build", build)
    outcome = command(
        *arguments(
            tmp_path / "x.keras", width_multiplier=0.5, batch_norm="false"
        )
    )
    card = json.loads(outcome.out)
    assert card["options"] == {"width_multiplier": 0.5, "batch_norm": False}
    assert seen[0]["width_multiplier"] == 0.5
    assert "--width_multiplier=0.5" in card["command"]
    assert "--batch_norm=false" in card["command"]


def test_weights_of_another_network_are_refused(command, tiny_job, tmp_path):
    other = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten()])
    other.save(tmp_path / "other.keras")
    (tmp_path / "other.json").write_text("{}")
    outcome = command(
        *arguments(tmp_path / "x.keras", start_from=tmp_path / "other.keras")
    )
    assert outcome.code == 2
    assert "which are not those of 'tiny' (4 weights)" in outcome.err


def test_weights_for_other_classes_are_refused(command, tiny_job, tmp_path):
    """As many weights as here; the last that differs is named."""
    source = tiny_network()
    logits = keras.layers.Dense(7)(source.layers[-2].output)
    keras.Model(source.inputs, logits).save(tmp_path / "other.keras")
    (tmp_path / "other.json").write_text("{}")
    outcome = command(
        *arguments(tmp_path / "x.keras", start_from=tmp_path / "other.keras")
    )
    assert outcome.code == 2
    assert "/bias' has the shape (3,), there (7,). Supported" in outcome.err


def test_a_batch_that_does_not_fit(command, tiny_job, tmp_path, monkeypatch):
    monkeypatch.setattr(training_run, "available_bytes", lambda: 10_000)
    outcome = command(*arguments(tmp_path / "x.keras", batch_size=4096))
    assert outcome.code == 1
    assert "batch_size=4096 for 'tiny' needs about" in outcome.err
    assert "Use batch_size=" in outcome.err


def test_weights_that_do_not_fit_are_never_made(
    command, real_job, tmp_path, monkeypatch
):
    """A layer of 8 TB; what is estimated has shapes and no values."""

    def huge(*_, **__):
        image = keras.Input((8, 8, 1))
        x = keras.layers.Dense(2**41)(keras.layers.Flatten()(image))
        return keras.Model(image, keras.layers.Dense(3)(x), name="huge")

    monkeypatch.setattr(registry, "build", huge)
    outcome = command(*arguments(tmp_path / "x.keras", batch_size=1))
    assert outcome.code == 1
    assert "for 'huge' needs about" in outcome.err
    assert "Use a smaller width_multiplier" in outcome.err


def test_what_follows_the_training_may_be_tried_again(
    command, real_job, tmp_path, monkeypatch
):
    """No epoch is lost where the network cannot be written."""
    flags = arguments(
        tmp_path / "x.keras", epochs=2, batch_size=8, validation="true"
    )
    save = network_files.save_with_card

    def refuse(model, path, card):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(network_files, "save_with_card", refuse)
    outcome = command(*flags)
    assert outcome.code == 1
    assert "No space left" in outcome.err
    monkeypatch.setattr(network_files, "save_with_card", save)
    outcome = command(*flags)
    assert outcome.code == 0, outcome.err
    assert "Epoch" not in outcome.out
    card = json.loads(tmp_path.joinpath("x.json").read_text())
    assert card["resumed"] is True
    assert 0 <= card["validation_accuracy"] <= 1
    assert sorted(p.name for p in tmp_path.iterdir()) == ["x.json", "x.keras"]


def photos(root):
    """Two classes of grey images, three of each in both splits."""
    for split in ("train", "test"):
        for label, name in enumerate(("apple", "pear")):
            folder = root / split / name
            folder.mkdir(parents=True)
            for number in range(3):
                image = np.full((9 + number, 10, 3), 99 * label, "uint8")
                png = tf.io.encode_png(image).numpy()
                (folder / f"{number}.png").write_bytes(png)
    return f"dir:{root}"


@pytest.mark.parametrize("split", ["train", "test"])
def test_files_that_cannot_be_decoded_are_named(
    command, tmp_path, monkeypatch, split
):
    """And what was trained until then is kept."""

    def build(*_, **__):
        image = keras.Input((8, 8, 3))
        x = keras.layers.GlobalAveragePooling2D()(image)
        return keras.Model(image, keras.layers.Dense(2)(x), name="tiny")

    monkeypatch.setattr(registry, "build", build)
    name = photos(tmp_path / "photos")
    broken = tmp_path / "photos" / split / "pear" / "1.png"
    good = broken.read_bytes()
    broken.write_bytes(good[:40])
    flags = arguments(
        tmp_path / "x.keras", dataset=name, image_size=8, batch_size=6, epochs=1
    )
    outcome = command(*flags)
    assert outcome.code == 1
    assert f"1 image files cannot be read:\n- {broken}\nSupp" in outcome.err
    broken.write_bytes(good)
    assert command(*flags).code == 0
    card = json.loads((tmp_path / "x.json").read_text())
    assert card["resumed"] is (split == "test")
    assert 0 <= card["test_accuracy"] <= 1


def test_tensorboard_needs_a_folder(command, tiny_job, tmp_path):
    outcome = command(*arguments(tmp_path / "x.keras", tensorboard="true"))
    assert outcome.code == 2
    assert "--tensorboard without --log_dir" in outcome.err


def test_without_tensorboard_the_extra_is_named(
    command, tiny_job, tmp_path, monkeypatch
):
    monkeypatch.setattr(
        training_run.importlib.util, "find_spec", lambda _: None
    )
    outcome = command(
        *arguments(
            tmp_path / "x.keras", tensorboard="true", log_dir=tmp_path / "logs"
        )
    )
    assert outcome.code == 1
    assert "pip install 'tfsnn[tensorboard]'" in outcome.err


@pytest.fixture
def real_job(tiny_job, monkeypatch):
    """The same, really trained."""
    monkeypatch.undo()
    card = datasets.DatasetCard(
        "tiny", (8, 8, 1), 3, (127.0,), (70.0,), 1, "none"
    )

    def load_split(name, split, *, data_dir=None):
        images, labels = tiny_images()
        pairs = (images, labels.astype(np.int64))
        return tf.data.Dataset.from_tensor_slices(pairs)

    monkeypatch.setitem(datasets.CARDS, "tiny", card)
    monkeypatch.setattr(datasets, "load_split", load_split)
    monkeypatch.setattr(registry, "build", lambda *_, **__: tiny_network())


def test_a_run_that_begins_anew_has_no_best_epoch_yet(
    command, real_job, tmp_path
):
    """What is left of one whose state was removed does not count."""
    flags = arguments(
        tmp_path / "x.keras", epochs=1, batch_size=8, validation="true"
    )
    assert command(*flags).code == 0
    card = json.loads((tmp_path / "x.json").read_text())
    folder = network_files.backup_folder(
        tmp_path / "x.keras",
        network=card["network"],
        options=card["options"],
        dataset="tiny",
        recipe=card["recipe"],
        validation=True,
        start_from=None,
    )
    old = folder.with_name(f"{folder.name}-best")
    old.mkdir()
    (old / "accuracy-2.0.weights.h5").write_text("")
    assert command(*flags, "--overwrite").code == 0
    again = json.loads((tmp_path / "x.json").read_text())
    assert again["validation_accuracy"] == card["validation_accuracy"]


@pytest.mark.slow
def test_tensorboard_gets_every_epoch(command, real_job, tmp_path):
    pytest.importorskip("tensorboard", reason="needs the extra 'tensorboard'")
    from tensorboard.backend.event_processing import event_accumulator

    logs = tmp_path / "logs"
    outcome = command(
        *arguments(
            tmp_path / "x.keras",
            epochs=2,
            batch_size=8,
            validation="true",
            log_dir=logs,
            tensorboard="true",
        )
    )
    assert outcome.code == 0, outcome.err
    for part, scalar in (("train", "epoch_loss"), ("validation", "epoch_loss")):
        events = event_accumulator.EventAccumulator(
            str(logs / part), size_guidance={"tensors": 0}
        )
        events.Reload()
        assert [event.step for event in events.Tensors(scalar)] == [0, 1]


def test_a_validated_run_with_a_log(command, real_job, tmp_path):
    path = tmp_path / "x.keras"
    outcome = command(
        *arguments(
            path,
            epochs=2,
            batch_size=8,
            validation="true",
            log_dir=tmp_path / "logs",
        )
    )
    assert outcome.code == 0, outcome.err
    card = json.loads(path.with_suffix(".json").read_text())
    log = (tmp_path / "logs" / "log.csv").read_text().splitlines()
    assert len(log) == 1 + 2
    column = log[0].split(",").index("val_accuracy")
    values = [float(line.split(",")[column]) for line in log[1:]]
    assert card["validation_accuracy"] == pytest.approx(max(values))
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "logs",
        "x.json",
        "x.keras",
    ]
