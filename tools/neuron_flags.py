"""Flags of the kind of neuron, and what they stand for.

Imports nothing heavy: benchmarks declare their flags before TensorFlow.
"""

from absl import app, flags

NEURONS = ("if", "signed", "burst", "bit_plane")
BURST = "burst"
MOST_SPIKES = 255


def define(values: flags.FlagValues) -> None:
    """Declares `--neuron` and `--max_spikes`."""
    flags.DEFINE_enum(
        "neuron",
        "if",
        list(NEURONS),
        "if: plain spikes; signed: takes early ones back; burst: several at"
        " once; bit_plane: the bits of a value, two-phase. Only if is plain.",
        flag_values=values,
    )
    flags.DEFINE_integer(
        "max_spikes",
        4,
        "Most spikes of --neuron=burst in one step.",
        lower_bound=1,
        upper_bound=MOST_SPIKES,
        flag_values=values,
    )


def conversion_options(options: flags.FlagValues) -> dict[str, str | int]:
    """What the flags state, for a `tfsnn.ConversionConfig`.

    Args:
        options: Parsed flags of `define`.

    Returns:
        Its arguments `neuron` and `max_spikes`.

    Raises:
        absl.app.UsageError: If bursts are asked for of other neurons.
    """
    if options.neuron != BURST and options["max_spikes"].present:
        raise app.UsageError(
            f"Received --max_spikes with --neuron={options.neuron}. Supported:"
            " --neuron=burst; others have no bursts. Leave it out, or use"
            " --neuron=burst."
        )
    return {"neuron": options.neuron, "max_spikes": options.max_spikes}


def label(options: flags.FlagValues) -> str:
    """The kind of neuron in a word or two: `signed`, `burst 4`."""
    if options.neuron == BURST:
        return f"{BURST} {options.max_spikes}"
    return options.neuron
