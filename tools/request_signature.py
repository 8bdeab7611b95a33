"""Which signature a request asks, and flags and files that do not fit it."""

import math
import pathlib
from collections.abc import Sequence

from absl import app, flags

# Of a bundle they are t8_serialized and t8_anytime.
SERIALIZED, ANYTIME = "serialized", "anytime"
DEFAULT = "serving_default"
SCALING, STOPPING = ("scale", "mean", "std"), ("confidence", "max_steps")


def choose(options: flags.FlagValues, paths: Sequence[pathlib.Path]) -> str:
    """The signature: that of the flags, or what files and flags ask for.

    Args:
        options: Parsed flags of `tfsnn request`.
        paths: Image files and `.npy` files.

    Returns:
        Its name.

    Raises:
        absl.app.UsageError: If flags or files would be dropped, or if image
            files would be sent unscaled though no flag says so; with all
            problems.
    """
    arrays = [str(path) for path in paths if is_array(path)]
    scaling, stopping = _given(options, SCALING), _given(options, STOPPING)
    signature = options.signature
    if signature is None:
        fallback = DEFAULT if arrays or scaling else SERIALIZED
        signature = ANYTIME if stopping else fallback
    problems = []
    if is_serialized(signature):
        problems += _of_serialized(signature, arrays, scaling)
    elif scaling and len(arrays) == len(paths):
        problems.append(
            f"Received {scaling} with .npy files only, which are taken as they"
            " are. Leave it out, or send image files."
        )
    elif not scaling and len(arrays) < len(paths):
        problems.append(
            f"Received image files for the signature '{signature}' and nothing"
            f" about how they are scaled: only '{SERIALIZED}' scales them on"
            " the server. Give --scale, --mean and --std as in the training,"
            " for example --scale=1/255; --scale=1 sends the pixels as they"
            " are."
        )
    if stopping and not is_anytime(signature):
        problems.append(
            f"Received {stopping} with --signature={signature}, which runs all"
            f" of its steps. Supported: signatures '{ANYTIME}', of a bundle as"
            f" t16_{ANYTIME}. Name one, or leave it out."
        )
    if not _is_share(options.confidence):
        problems.append(
            f"Received --confidence={options.confidence}. Supported: 0...1. To"
            " run all steps leave it out."
        )
    if problems:
        raise app.UsageError(" ".join(problems))
    return signature


def is_array(path: pathlib.Path) -> bool:
    """Whether a file holds images as the network takes them."""
    return path.suffix == ".npy"


def is_serialized(signature: str) -> bool:
    """Whether a signature takes files, by its name."""
    return signature.rpartition("_")[-1] == SERIALIZED


def is_anytime(signature: str) -> bool:
    """Whether a signature takes confidences, by its name."""
    return signature.rpartition("_")[-1] == ANYTIME


def _of_serialized(signature, arrays, scaling) -> list[str]:
    problems = []
    if arrays:
        problems.append(
            f"Received {', '.join(arrays)} with --signature={signature}, which"
            " takes image files. Leave the signature out, or send image files."
        )
    if scaling:
        problems.append(
            f"Received {scaling} with --signature={signature}, whose graph"
            " scales files itself. Leave it out, or the signature."
        )
    return problems


def _given(options: flags.FlagValues, names: Sequence[str]) -> str:
    return ", ".join(f"--{name}" for name in names if options[name].present)


def _is_share(confidence: float | None) -> bool:
    if confidence is None:
        return True
    return math.isfinite(confidence) and 0 <= confidence <= 1
