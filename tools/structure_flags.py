"""Flags of the conversion that decide what may be in a network."""

from typing import Any

from absl import flags

from tfsnn.conversion.config import MAX_POOL


def define(values: flags.FlagValues) -> None:
    """Declares `--max_pool`, `--affine`, `--average_pool`, `--equalise`."""
    flags.DEFINE_enum(
        "average_pool",
        "linear",
        ["linear", "neuron"],
        "Keep average pooling as it is, or give it neurons of its own.",
        flag_values=values,
    )
    flags.DEFINE_bool(
        "equalise",
        False,
        "Even out the ranges of channels between layers, for --per=layer.",
        flag_values=values,
    )
    flags.DEFINE_enum(
        "max_pool",
        "spiking",
        list(MAX_POOL),
        "Max pooling: exact in the total, made average pooling, or refused.",
        flag_values=values,
    )
    flags.DEFINE_list(
        "affine",
        [],
        "Names of layers that are affine though there is no rule for them.",
        flag_values=values,
    )


def conversion_options(options: flags.FlagValues) -> dict[str, Any]:
    """What the flags state, for a `tfsnn.ConversionConfig`."""
    return {
        "average_pool": options.average_pool,
        "equalise": options.equalise,
        "max_pool": options.max_pool,
        "affine": tuple(options.affine),
    }
