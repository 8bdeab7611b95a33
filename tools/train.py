"""Trains a network of the zoo and writes its weights with a card.

An interrupted run goes on at its last epoch if the same command is given
again: its state is in OUTPUT.backup-HASH until it is done.
"""

import hashlib
import json
import os
import pathlib
import platform
import sys
import tempfile
import time

import keras
import numpy as np
from absl import app, flags

from tfsnn.errors import ExportError
from tfsnn_models import datasets, recipes, registry
from tfsnn_tools import command_line
from tfsnn_tools.model_files import load_keras_model

USAGE = "tfsnn train --dataset=NAME --output=NAME.keras [--flags]"


def define_flags() -> flags.FlagValues:
    """The flags of this command."""
    values = flags.FlagValues()
    options = {"flag_values": values}
    flags.DEFINE_string("network", "resnet20", "Network of the zoo.", **options)
    flags.DEFINE_string("dataset", "cifar10", "TFDS name.", **options)
    flags.DEFINE_string("data_dir", None, "TFDS directory.", **options)
    flags.DEFINE_integer("epochs", 30, "Passes over the data.", 1, **options)
    flags.DEFINE_enum(
        "dtype_policy",
        "float32",
        recipes.DTYPE_POLICIES,
        "Precision of the training run; the weights are float32 under any.",
        **options,
    )
    flags.DEFINE_float(
        "learning_rate", 0.1, "Peak of the cosine schedule.", **options
    )
    flags.DEFINE_float(
        "weight_decay", 5e-3, "Decoupled decay of kernels.", 0.0, **options
    )
    flags.DEFINE_string(
        "start_from",
        None,
        "Weights to go on from, NAME.keras with its card, in a new schedule.",
        **options,
    )
    flags.DEFINE_integer("seed", 0, "Seed of everything random.", **options)
    flags.DEFINE_string("output", None, "File to write: NAME.keras.", **options)
    flags.DEFINE_bool("overwrite", False, "Replace --output.", **options)
    return values


def accuracy_of(model: keras.Model, batches) -> float:
    """Share of images whose largest logit is the label's."""
    hits = count = 0
    for images, labels in batches:
        logits = keras.ops.convert_to_numpy(model(images, training=False))
        hits += int(np.sum(logits.argmax(axis=-1) == labels.numpy()))
        count += len(labels)
    return hits / count


def check_output(path: pathlib.Path, *, overwrite: bool) -> None:
    """Refuses, before hours of training, what could not be written after it.

    Args:
        path: File to be written; its folder is made.
        overwrite: Whether the file and its card may be replaced.

    Raises:
        ExportError: If the file or its card exists, or is a folder.
        OSError: If the folder cannot be made or written to.
    """
    for file in (path, path.with_suffix(".json")):
        if file.is_dir() or (file.exists() and not overwrite):
            raise ExportError(
                f"Received --output={path}, but '{file}' exists. Supported: a"
                " new file and card, or --overwrite to replace files. Choose"
                " another --output."
            )
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=path.parent):
        pass


def backup_folder(path: pathlib.Path, **run) -> pathlib.Path:
    """Where the state of an interrupted run is; another run has another.

    Args:
        path: File the run is to write.
        **run: What makes the run what it is, plain types.

    Returns:
        `PATH.backup-HASH`.
    """
    text = json.dumps(run, sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()
    return path.with_name(f"{path.name}.backup-{digest[:8]}")


def save_with_card(model: keras.Model, path: pathlib.Path, card: dict) -> None:
    """Writes `path` and its card beside it, each by rename."""
    temporary = path.with_name(f".{path.stem}.partial.keras")
    model.save(temporary)
    digest = hashlib.sha256(temporary.read_bytes()).hexdigest()
    card_path = path.with_suffix(".json")
    card_temporary = card_path.with_name(f".{card_path.name}.partial")
    card_temporary.write_text(json.dumps({**card, "sha256": digest}, indent=2))
    temporary.replace(path)
    card_temporary.replace(card_path)


def main(argv: list[str]) -> int:
    """Trains, evaluates on the test split, writes model and card."""
    options = define_flags()
    command_line.parse(argv, options, required=("output",))
    data = _data_card(options.dataset)
    recipe = recipes.Recipe(
        epochs=options.epochs,
        learning_rate=options.learning_rate,
        weight_decay=options.weight_decay,
        seed=options.seed,
        dtype_policy=options.dtype_policy,
    )
    path = pathlib.Path(options.output)
    start_from = _start(options.start_from)
    check_output(path, overwrite=options.overwrite)
    backup = backup_folder(
        path,
        network=options.network,
        dataset=data.name,
        recipe=recipe.to_dict(),
        start_from=start_from,
    )
    resumed = backup.exists()
    start = time.monotonic()
    clean, history = _trained(options, data, recipe, backup)
    seconds = time.monotonic() - start
    test = datasets.evaluation_batches(
        datasets.load_split(data.name, "test", data_dir=options.data_dir),
        batch_size=250,
    )
    card = {
        "network": options.network,
        "dataset": data.name,
        "licence_of_the_data": data.licence,
        "parameters": clean.count_params(),
        "test_accuracy": accuracy_of(clean, test),
        "training_accuracy": history["accuracy"][-1],
        "recipe": recipe.to_dict(),
        "started_from": start_from,
        "resumed": resumed,
        "seconds": round(seconds),
        **_origin(options),
    }
    save_with_card(clean, path, card)
    print(json.dumps(card, indent=2))
    return 0


def _trained(
    options: flags.FlagValues,
    data: datasets.DatasetCard,
    recipe: recipes.Recipe,
    backup: pathlib.Path,
) -> tuple[keras.Model, dict[str, list[float]]]:
    """Trains; returns a float32 network and what happened in each epoch."""
    keras.utils.set_random_seed(recipe.seed)
    shape = {
        "input_shape": data.input_shape,
        "num_classes": data.num_classes,
        "pixel_mean": data.pixel_mean,
        "pixel_std": data.pixel_std,
    }
    model = _build_in(recipe.dtype_policy, options.network, **shape)
    if options.start_from is not None:
        model.set_weights(load_keras_model(options.start_from).get_weights())
    history = recipes.train(
        model,
        datasets.training_batches(
            datasets.load_split(data.name, "train", data_dir=options.data_dir),
            batch_size=recipe.batch_size,
            padding=data.padding,
            seed=recipe.seed,
        ),
        recipe,
        callbacks=[keras.callbacks.BackupAndRestore(str(backup))],
    )
    clean = _build_in("float32", options.network, **shape)
    clean.set_weights(model.get_weights())
    return clean, history


def _data_card(name: str) -> datasets.DatasetCard:
    if name not in datasets.CARDS:
        raise app.UsageError(
            f"--dataset={name} has no card. Supported:"
            f" {', '.join(sorted(datasets.CARDS))}."
        )
    return datasets.CARDS[name]


def _start(file: str | None) -> dict | None:
    """The card of the weights a run goes on from."""
    if file is None:
        return None
    card = pathlib.Path(file).with_suffix(".json")
    if not card.is_file():
        raise app.UsageError(
            f"Received --start_from={file}, but its card '{card}' is missing."
            " Supported: a network that tfsnn train wrote, with its card."
        )
    return json.loads(card.read_text(encoding="utf-8"))


def _build_in(dtype_policy: str, network: str, **shape) -> keras.Model:
    """A network under a dtype policy; the global policy stays as it was."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(dtype_policy)
    try:
        return registry.build(network, **shape)
    finally:
        keras.config.set_dtype_policy(before)


def _origin(options: flags.FlagValues) -> dict[str, str]:
    """Where and how a network was trained."""
    start = f" --start_from={options.start_from}" if options.start_from else ""
    return {
        "machine": f"{os.cpu_count()} cores, {platform.machine()}",
        "keras": keras.__version__,
        "command": (
            f"tfsnn train --network={options.network}"
            f" --dataset={options.dataset} --epochs={options.epochs}"
            f" --seed={options.seed} --dtype_policy={options.dtype_policy}"
            f" --learning_rate={options.learning_rate}"
            f" --weight_decay={options.weight_decay}"
            f"{start} --output={options.output}"
        ),
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv))
