"""Flags that several sub-commands share, and what they stand for."""

import keras
import numpy as np
from absl import flags

from tfsnn.inputs import Images, input_shapes
from tfsnn_tools import data_sources, run_log
from tfsnn_tools.data_readers import Request
from tfsnn_tools.image_stream import ImageStream
from tfsnn_tools.preprocessing import Preprocessing

PREPROCESSING = ("scale", "mean", "std", "preprocess", "resize", "crop")


def define_json(values: flags.FlagValues) -> None:
    """Declares `--json`."""
    flags.DEFINE_bool(
        "json", False, "Print JSON, for programs.", flag_values=values
    )


def define_quiet(values: flags.FlagValues) -> None:
    """Declares `--quiet`."""
    flags.DEFINE_bool(
        "quiet", False, "Do not say how far the work is.", flag_values=values
    )


def define_output(values: flags.FlagValues, default: str | None = None) -> None:
    """Declares `--output` and `--overwrite`."""
    flags.DEFINE_string(
        "output", default, "Folder to write; new.", flag_values=values
    )
    flags.DEFINE_bool(
        "overwrite",
        False,
        "Replace an --output folder that this command wrote before.",
        flag_values=values,
    )


def define_data(values: flags.FlagValues, meaning: str) -> None:
    """Declares `--data` and how its images become the network's input."""
    flags.DEFINE_string(
        "data",
        None,
        f"{meaning}: tfds:NAME[:SPLIT], npz:FILE[:PREFIX] or dir:FOLDER.",
        flag_values=values,
    )
    flags.DEFINE_string("data_dir", None, "TFDS directory.", flag_values=values)
    flags.DEFINE_string(
        "scale", None, "Factor of the pixels, as 1/255.", flag_values=values
    )
    flags.DEFINE_list(
        "mean",
        None,
        "Subtracted after --scale: one number, or one a channel.",
        flag_values=values,
    )
    flags.DEFINE_list(
        "std",
        None,
        "Divides last: one number, or one a channel.",
        flag_values=values,
    )
    flags.DEFINE_string(
        "preprocess",
        None,
        "module:function instead of --scale, --mean and --std; it gets images"
        " [N, H, W, C] as float32: all, or where they do not fit into memory a"
        " part at a time.",
        flag_values=values,
    )
    flags.DEFINE_list(
        "resize",
        None,
        "HEIGHT,WIDTH: resizes the images first.",
        flag_values=values,
    )
    flags.DEFINE_list(
        "crop",
        None,
        "HEIGHT,WIDTH in place of --resize: scales the shorter side to 256 of"
        " 224 parts and crops the middle, as is usual for ImageNet.",
        flag_values=values,
    )
    flags.DEFINE_integer(
        "seed",
        0,
        "Seed of everything that is drawn at random.",
        lower_bound=0,
        flag_values=values,
    )


def define_num_images(values: flags.FlagValues) -> None:
    """Declares `--num_images`, for evaluations."""
    flags.DEFINE_integer(
        "num_images",
        None,
        "Images evaluated at most; all by default.",
        lower_bound=1,
        flag_values=values,
    )


def preprocessing(options: flags.FlagValues) -> Preprocessing:
    """The preprocessing the flags of `define_data` state.

    Raises:
        DataError: If a value cannot be meant.
    """
    return Preprocessing.from_flags(
        scale=options.scale,
        mean=options.mean,
        std=options.std,
        function=options.preprocess,
        resize=options.resize,
        crop=options.crop,
    )


def load_data(
    options: flags.FlagValues,
    model: keras.Model,
    *,
    split: str,
    max_images: int | None,
    stated: Preprocessing | None = None,
) -> tuple[Images, np.ndarray | None]:
    """Reads what `--data` names, see `data_sources.load`.

    Args:
        options: Parsed flags of `define_data`.
        model: The network that is to take the images.
        split: Where `--data` names none.
        max_images: Largest N; None: all.
        stated: How images become the input; what the flags say if None.

    Returns:
        Images `[N, H, W, C]` float32 (of several inputs a tuple), and labels
        `[N]` int64 or None.

    Raises:
        DataError: If the data cannot be read or do not fit.
    """
    request = _request(options, model, split, max_images, stated)
    return data_sources.load(options.data, request)


def _request(options, model, split, max_images, stated):
    return Request(
        input_shapes(model),
        max_images,
        split,
        stated or preprocessing(options),
        options.data_dir,
        options.seed,
    )


def open_labelled_data(
    options: flags.FlagValues,
    model: keras.Model,
    *,
    stated: Preprocessing | None = None,
) -> tuple[Images, np.ndarray] | ImageStream:
    """Opens what `--data` names, up to `--num_images`, for an evaluation.

    Args:
        options: Parsed flags of `define_data` and `define_num_images`.
        model: The network that is to take the images.
        stated: See `load_data`.

    Returns:
        See `data_sources.open_labelled`.

    Raises:
        DataError: If the data cannot be read, do not fit or have no labels.
    """
    request = _request(options, model, "test", options.num_images, stated)
    opened = data_sources.open_labelled(options.data, request)
    if isinstance(opened, ImageStream):
        run_log.note(
            f"{options.data} does not fit into memory at once: its images are"
            " prepared as they are used, anew for each T."
        )
    return opened
