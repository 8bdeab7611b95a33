"""How images were scaled for a calibration, as the default for its export."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from absl import app, flags

from tfsnn.export import ImageDecoding
from tfsnn_tools import flag_groups
from tfsnn_tools.preprocessing import Preprocessing

FIELDS = "preprocessing_fields"
"""Name of the fields in calibration.json and in provenances."""

SCALING = ("scale", "mean", "std")
PLAIN = "To take plain pixels, 0...255, say --scale=1."
STATE = f"State --scale, --mean and --std, for example --scale=1/255. {PLAIN}"


def for_data(options: flags.FlagValues, models: Any) -> Preprocessing:
    """How the images of `--data` become the network's input.

    Args:
        options: Parsed flags of `flag_groups.define_data`.
        models: What `stored_calibration.read` gives.

    Returns:
        What the flags state, and else what the calibration recorded: of the
        size, --crop or --resize, and of the values, --preprocess or --scale,
        --mean and --std.

    Raises:
        DataError: If a value cannot be meant.
        absl.app.UsageError: If a function is recorded: none is run because a
            file names it.
    """
    stated = flag_groups.preprocessing(options)
    recorded = _recorded(models)
    if recorded is None:
        return stated
    if not stated.size and not recorded.function:
        size = {"resize": recorded.resize, "crop": recorded.crop}
        stated = dataclasses.replace(stated, **size)
    if any(options[name].present for name in ("preprocess", *SCALING)):
        return stated
    if recorded.function is not None:
        raise app.UsageError(
            f"Received --data without --preprocess for a network calibrated on"
            f" '{recorded.describe()}'. Functions are run only where a flag"
            f" names them. Say --preprocess={recorded.function}, or --scale."
        )
    size = {"resize": stated.resize, "crop": stated.crop}
    return dataclasses.replace(recorded, **size)


def decoding(options: flags.FlagValues, models: Any) -> ImageDecoding:
    """How image files become images in the graph of `serialized`.

    Args:
        options: Parsed flags, `--scale`, `--mean` and `--std` among them.
        models: What `stored_calibration.read` gives.

    Returns:
        What the flags state, or the calibration recorded.

    Raises:
        DataError: If a value cannot be meant.
        absl.app.UsageError: If neither says it, or they contradict each other.
    """
    stated = flag_groups.preprocessing(options)
    recorded = _recorded(models)
    crop = _crop(stated, recorded)
    if not any(options[name].present for name in SCALING):
        return _of(_certain(recorded, models), crop)
    if _can_compare(recorded) and not _is_same(stated, recorded):
        raise app.UsageError(
            f"Received --serialized with '{stated.describe()}', but the"
            f" network was calibrated on '{recorded.describe()}'. Supported:"
            " the same. Leave --scale, --mean and --std out to take what was"
            " recorded, or calibrate again with these."
        )
    return _of(stated, crop)


def _recorded(models: Any) -> Preprocessing | None:
    """None: it is not known; of records from before there were fields, too."""
    provenance: Mapping[str, Any] = getattr(models, "provenance", {})
    fields = provenance.get(FIELDS)
    return None if fields is None else Preprocessing.from_dict(fields)


def _certain(recorded: Preprocessing | None, models: Any) -> Preprocessing:
    if recorded is None:
        text = getattr(models, "provenance", {}).get("preprocessing")
        known = f": only the text '{text}'" if text else ""
        raise app.UsageError(
            "Received --serialized without --scale, and no record of how the"
            f" images of the calibration were scaled{known}. {STATE}"
        )
    if recorded.function is not None:
        raise app.UsageError(
            "Received --serialized without --scale for a network calibrated on"
            f" '{recorded.describe()}', a Python function, which no graph"
            f" holds. {STATE}"
        )
    if not _can_compare(recorded):
        raise app.UsageError(
            "Received --serialized without --scale for a network calibrated on"
            " images as they were stored, which files of pixels need not be."
            f" {STATE}"
        )
    return recorded


def _can_compare(recorded: Preprocessing | None) -> bool:
    """Whether a record holds for files: of images stored scaled none does."""
    if recorded is None or recorded.function is not None:
        return False
    return bool(recorded.scale != 1 or recorded.mean or recorded.std)


def _is_same(one: Preprocessing, other: Preprocessing) -> bool:
    """Whether both are the same line `factor * pixels - shift`."""
    try:
        return all(
            np.allclose(a, b, rtol=1e-6, atol=1e-9)
            for a, b in zip(_line(one), _line(other), strict=True)
        )
    except ValueError:  # Of different numbers of channels.
        return False


def _line(one: Preprocessing) -> tuple[np.ndarray, np.ndarray]:
    std = np.array(one.std or (1.0,))
    return one.scale / std, np.array(one.mean or (0.0,)) / std


def _of(one: Preprocessing, crop: tuple[int, int] | None) -> ImageDecoding:
    return ImageDecoding(one.scale, one.mean, one.std, crop=crop)


def _crop(
    stated: Preprocessing, recorded: Preprocessing | None
) -> tuple[int, int] | None:
    """What is cropped; flags say it, else the record."""
    said = stated.crop, stated.resize
    known = None, None
    if recorded is not None and not recorded.function:  # It may change both.
        known = recorded.crop, recorded.resize
    if any(said) and any(known) and said != known:
        raise app.UsageError(
            "Received --serialized with images that are"
            f" {'cropped' if stated.crop else 'resized'} otherwise than for"
            f" the calibration ('{recorded.describe()}'). Supported: the same."
            " Leave --crop and --resize out to take what was recorded."
        )
    return said[0] if any(said) else known[0]
