"""Trains a network of the zoo and writes its weights with a card.

An interrupted run goes on at its last epoch if the same command is given
again: its state is in OUTPUT.backup-HASH until it is done. With --validation
the epoch that is kept is chosen on a tenth of the training split; the test
split is looked at once, at the end.
"""

import json
import os
import pathlib
import platform
import sys
import time

import keras
from absl import app, flags

from tfsnn_models import augmentation, datasets, recipes, registry
from tfsnn_tools import command_line, network_files, training_run

USAGE = "tfsnn train --dataset=NAME --output=NAME.keras [--flags]"
PAPER_IMAGENET = "paper_imagenet"
OF_RECIPE = (
    "epochs",
    "batch_size",
    "learning_rate",
    "weight_decay",
    "seed",
    "dtype_policy",
    "augmentation",
)


def define_flags() -> flags.FlagValues:
    """The flags of this command."""
    values = flags.FlagValues()
    options = {"flag_values": values}
    flags.DEFINE_string("network", "resnet20", "Network of the zoo.", **options)
    flags.DEFINE_float(
        "width_multiplier", 1.0, "Factor of its channels.", **options
    )
    flags.DEFINE_bool("batch_norm", True, "It has batch norms.", **options)
    flags.DEFINE_string(
        "dataset",
        "cifar10",
        "TFDS name with a card, or dir:FOLDER with train and test inside.",
        **options,
    )
    flags.DEFINE_string("data_dir", None, "TFDS directory.", **options)
    flags.DEFINE_integer(
        "image_size", 224, "Of the images of dir:FOLDER.", 1, **options
    )
    _define_recipe(values)
    flags.DEFINE_bool(
        "validation",
        False,
        "Keep the epoch that is best on a tenth of the training split.",
        **options,
    )
    flags.DEFINE_enum(
        "strategy",
        "one",
        ["one", "mirrored"],
        "One device, or all GPUs with a part of each batch.",
        **options,
    )
    flags.DEFINE_string("log_dir", None, "Folder for log.csv.", **options)
    flags.DEFINE_bool(
        "tensorboard", False, "Write TensorBoard's logs there, too.", **options
    )
    flags.DEFINE_string(
        "start_from",
        None,
        "Weights to go on from, NAME.keras with its card, in a new schedule.",
        **options,
    )
    flags.DEFINE_string("output", None, "File to write: NAME.keras.", **options)
    flags.DEFINE_bool("overwrite", False, "Replace --output.", **options)
    return values


def _define_recipe(values: flags.FlagValues) -> None:
    options = {"flag_values": values}
    flags.DEFINE_enum(
        "recipe",
        "short",
        ["short", "paper", PAPER_IMAGENET],
        "short: 30 epochs; paper: its appendix C, for the data set and with or"
        " without batch norm; paper_imagenet: that for ImageNet, for any data"
        " set. The flags below replace parts of it.",
        **options,
    )
    flags.DEFINE_integer("epochs", None, "Passes over the data.", 1, **options)
    flags.DEFINE_integer("batch_size", None, "Images a step.", 1, **options)
    flags.DEFINE_enum(
        "dtype_policy",
        "float32",
        recipes.DTYPE_POLICIES,
        "Precision of the training run; the weights are float32 under any.",
        **options,
    )
    flags.DEFINE_float(
        "learning_rate", None, "Peak of the cosine schedule.", **options
    )
    flags.DEFINE_float(
        "weight_decay", None, "Decoupled decay of kernels.", 0.0, **options
    )
    flags.DEFINE_enum(
        "augmentation",
        None,
        augmentation.AUGMENTATIONS,
        "Crop and mirror; strong: RandAugment and Cutout; imagenet: colours.",
        **options,
    )
    flags.DEFINE_integer("seed", 0, "Seed of everything random.", **options)


def main(argv: list[str]) -> int:
    """Trains, evaluates on the test split, writes model and card."""
    options = define_flags()
    command_line.parse(argv, options, required=("output",))
    run = _run(options)
    path = pathlib.Path(options.output)
    network_files.check_output(path, overwrite=options.overwrite)
    resumed = run.finished_epochs > 0
    start = time.monotonic()
    clean, history = run.execute()
    seconds = time.monotonic() - start
    card = {
        "network": options.network,
        "dataset": run.data.name,
        "licence_of_the_data": run.data.licence,
        "parameters": clean.count_params(),
        "test_accuracy": run.test_accuracy(clean),
        "training_accuracy": _last(history, "accuracy"),
        "validation_accuracy": run.best_accuracy,
        "options": run.options,
        "recipe": run.recipe.to_dict(),
        "started_from": _start(options.start_from),
        "resumed": resumed,
        "seconds": round(seconds),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}",
        "keras": keras.__version__,
        "command": _command(options),
    }
    network_files.save_with_card(clean, path, card)
    run.clean_up()
    print(json.dumps(card, indent=2))
    return 0


def _run(options: flags.FlagValues) -> training_run.Run:
    """What the flags ask for."""
    registry.builder(options.network)  # An unknown name fails at once.
    try:
        data = datasets.card(options.dataset, image_size=options.image_size)
    except ValueError as error:
        raise app.UsageError(f"--dataset: {error}") from error
    recipe = _recipe(options, data)
    network = {}
    for name in ("width_multiplier", "batch_norm"):
        if options[name].present:
            network[name] = options[name].value
    return training_run.Run(
        network=options.network,
        options=network,
        data=data,
        data_dir=options.data_dir,
        recipe=recipe,
        validation=options.validation,
        start_from=options.start_from,
        backup=network_files.backup_folder(
            pathlib.Path(options.output),
            network=options.network,
            options=network,
            dataset=data.name,
            recipe=recipe.to_dict(),
            validation=options.validation,
            start_from=_start(options.start_from),
        ),
        log_dir=options.log_dir,
        tensorboard=options.tensorboard,
        mirrored=options.strategy == "mirrored",
    )


def _recipe(options: flags.FlagValues, data) -> recipes.Recipe:
    changes = {
        name: options[name].value
        for name in OF_RECIPE
        if options[name].value is not None
    }
    if options.tensorboard and options.log_dir is None:
        raise app.UsageError(
            "Received --tensorboard without --log_dir. Supported: both. Name a"
            " folder with --log_dir."
        )
    if options.recipe == "short":
        return recipes.Recipe(**changes)
    is_imagenet = options.recipe == PAPER_IMAGENET
    return recipes.paper_recipe(
        "imagenet2012" if is_imagenet else data.name,
        batch_norm=options.batch_norm,
        **changes,
    )


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
    try:
        found = json.loads(card.read_text(encoding="utf-8"))
    except ValueError:  # Neither JSON nor, perhaps, text.
        found = None
    if not isinstance(found, dict):
        raise app.UsageError(
            f"Received --start_from={file}, whose card '{card}' is no JSON"
            " object. Supported: a network that tfsnn train wrote, with its"
            " card. Restore the card, or write {} into it if it is lost."
        )
    return found


def _last(history: dict, name: str) -> float | None:
    values = history.get(name)
    return values[-1] if values else None


def _command(options: flags.FlagValues) -> str:
    """The command line that does it again: what was set or may change."""
    always = {"network", "dataset", "output", *OF_RECIPE}
    words = ["tfsnn train"]
    for name in options:
        flag = options[name]
        shown = name in always or flag.present
        if shown and flag.value is not None and name != "overwrite":
            text = str(flag.value).lower() if flag.boolean else flag.value
            words.append(f"--{name}={text}")
    return " ".join(words)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
