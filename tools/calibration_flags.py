"""Flags of the conversion and of the calibration, and what they stand for."""

import inspect

from absl import app, flags

import tfsnn
from tfsnn import calibration
from tfsnn.conversion.lags import Lag, check_lag_names
from tfsnn_tools import neuron_flags, structure_flags
from tfsnn_tools.pipeline_names import PIPELINES

HYPER_PARAMETERS = ("per", "rounding", "iterations", "damping", "budget")
THRESHOLDS = {
    "maximum": calibration.MaximumThreshold,
    "percentile": calibration.PercentileThreshold,
    "gaussian": calibration.GaussianThreshold,
}


def define_conversion(values: flags.FlagValues) -> None:
    """Declares the options of the conversion."""
    flags.DEFINE_enum(
        "reset",
        "soft",
        ["soft", "hard"],
        "After a spike: subtract the threshold, or set to zero.",
        flag_values=values,
    )
    flags.DEFINE_enum(
        "spikes",
        "threshold",
        ["threshold", "unit"],
        "Value of a spike: the threshold, or 1 with thresholds in the weights.",
        flag_values=values,
    )
    neuron_flags.define(values)
    structure_flags.define(values)


def conversion_config(options: flags.FlagValues) -> tfsnn.ConversionConfig:
    """What the flags of `define_conversion` state.

    Raises:
        absl.app.UsageError: If two of them do not go together.
    """
    neuron = neuron_flags.conversion_options(options)
    try:
        return tfsnn.ConversionConfig(
            reset=options.reset,
            spikes=options.spikes,
            **neuron,
            **structure_flags.conversion_options(options),
        )
    except ValueError as error:
        raise app.UsageError(str(error)) from error


def define_calibration(values: flags.FlagValues) -> None:
    """Declares T, the pipeline and its hyper-parameters."""
    flags.DEFINE_list(
        "timesteps", ["8", "16", "32"], "Every T.", flag_values=values
    )
    flags.DEFINE_enum(
        "pipeline",
        "light",
        list(PIPELINES),
        "uncalibrated: thresholds; light: then biases; advanced: weights and"
        " potentials (both of the paper); temporal: a bias a step; fitted:"
        " weights, thresholds and read-out fitted to real spikes; trained:"
        " weights trained with the bias, then biases; ..._temporal: and a bias"
        " a step; reconstructed: fitted after blocks were trained as one; best:"
        " several of these within --budget; published_...: what the paper's"
        " code does; maximum, percentile, spike_norm, rmp, tsc, opt,"
        " local_balancing: methods of others,"
        " to compare with.",
        flag_values=values,
    )
    flags.DEFINE_float(
        "budget",
        600.0,
        "Seconds for --pipeline=best.",
        flag_values=values,
    )
    _define_threshold(values)
    flags.DEFINE_integer(
        "iterations",
        3,
        "Sweeps of bias calibration.",
        lower_bound=0,
        flag_values=values,
    )
    flags.DEFINE_float(
        "damping",
        1.0,
        "Share of the error added a sweep, above 0, up to 1.",
        flag_values=values,
    )
    _define_extent(values)


def define_split_errors(values: flags.FlagValues) -> None:
    """Declares `--split_errors`."""
    flags.DEFINE_bool(
        "split_errors",
        False,
        "Record of every step what its error is made of, for tfsnn report.",
        flag_values=values,
    )


def define_resume(values: flags.FlagValues) -> None:
    """Declares `--resume`."""
    flags.DEFINE_bool(
        "resume",
        False,
        "Go on from what an interrupted run of the same command left in"
        " OUTPUT.partial; from the beginning if there is nothing.",
        flag_values=values,
    )


def timesteps(options: flags.FlagValues) -> list[int]:
    """Every T of `--timesteps`.

    Raises:
        absl.app.UsageError: If one is no whole number from 1, or is given
            twice.
    """
    texts = [text.strip() for text in options.timesteps]
    every = [int(text) for text in texts if text.isdecimal()]
    wrong = len(every) != len(texts) or 0 in every
    if wrong or not every or len(set(every)) != len(every):
        raise app.UsageError(
            f"Received --timesteps={','.join(texts)}. Supported: whole numbers"
            " T >= 1, each once. Use, for example, --timesteps=8,16,32."
        )
    return every


def pipeline(options: flags.FlagValues) -> tfsnn.Pipeline:
    """The pipeline the flags of `define_calibration` state.

    Raises:
        absl.app.UsageError: If a hyper-parameter is out of range, or given to
            a pipeline without it.
    """
    make = PIPELINES[options.pipeline]
    values = {
        name: options[name].value
        for name in HYPER_PARAMETERS
        if options[name].present
    }
    accepted = inspect.signature(make).parameters
    if options.threshold in THRESHOLDS:
        own, values["threshold"] = _threshold(options)
        for name in own - set(accepted):
            values.pop(name, None)
    unknown = [f"--{name}" for name in values if name not in accepted]
    if unknown:
        flags_of = [f"--{name}" for name in accepted if name in options]
        raise app.UsageError(
            f"Received {' and '.join(unknown)} with"
            f" --pipeline={options.pipeline}, which has no such"
            f" hyper-parameter. Supported there:"
            f" {', '.join(flags_of) or 'none'}. Leave it out, or use"
            " --pipeline=light."
        )
    try:
        return make(**values)
    except ValueError as error:
        raise app.UsageError(str(error)) from error


def _threshold(
    options: flags.FlagValues,
) -> tuple[set[str], calibration.Strategy]:
    """The flags that are of `--threshold`, and the strategy it stands for."""
    make = THRESHOLDS[options.threshold]
    own = {"per", "rounding"} & set(inspect.signature(make).parameters)
    if options["rounding"].present and "rounding" not in own:
        raise app.UsageError(
            f"Received --rounding with --threshold={options.threshold},"
            " which has no quantiser. Leave it out, or use"
            " --threshold=mmse."
        )
    return own, make(**{name: options[name].value for name in own})


def _define_threshold(values: flags.FlagValues) -> None:
    flags.DEFINE_enum(
        "threshold",
        "mmse",
        ["mmse", *THRESHOLDS],
        "Of least squared error at T, the largest activation, the 99.9th"
        " percentile, or of least squared error for Gaussian currents.",
        flag_values=values,
    )
    flags.DEFINE_enum(
        "per",
        "channel",
        ["channel", "layer"],
        "What shares a threshold.",
        flag_values=values,
    )
    flags.DEFINE_enum(
        "rounding",
        "round",
        ["round", "floor"],
        "Quantiser of --threshold=mmse and gaussian; floor is the paper's.",
        flag_values=values,
    )


def _define_extent(values: flags.FlagValues) -> None:
    flags.DEFINE_list(
        "lag",
        None,
        "Steps a neuron charges before it may fire, up to the largest T; a"
        " smaller T has its own. By default 0, the paper's clock; T with"
        " --neuron=bit_plane. One number for all, T for two-phase, or"
        " NEURON:STEPS,NEURON:STEPS with 0 for the others.",
        flag_values=values,
    )
    flags.DEFINE_integer(
        "max_images",
        1024,
        "Calibration images used at most, 16 and more.",
        lower_bound=16,
        flag_values=values,
    )


def lag(options: flags.FlagValues, timesteps: list[int]) -> Lag | None:
    """The lag of `--lag`, which some T can have; None if it is not given.

    Raises:
        absl.app.UsageError: If it is neither a number nor names with one each,
            or exceeds every T.
    """
    if options.lag is None:
        return None
    text = ",".join(options.lag)
    if text == "T":
        return max(timesteps)
    parts = [entry.rpartition(":") for entry in options.lag]
    names = [name.strip() for name, colon, _ in parts if colon]
    every = [int(n) for *_, n in parts if n.strip().isdecimal()]
    one_for_all = len(parts) == 1 and not names
    by_name = all(names) and len(set(names)) == len(parts)
    if len(every) != len(parts) or not every or not (one_for_all or by_name):
        raise app.UsageError(
            f"Received --lag={text}. Supported: a whole number from 0, or T, or"
            " names of neurons with one each. Use, for example, --lag=1 or"
            " --lag=conv1_relu:0,conv2_relu:2."
        )
    if max(every) > max(timesteps):
        raise app.UsageError(
            f"Received --lag={text} with T up to {max(timesteps)}."
            f" Supported: 0...{max(timesteps)}. Use a smaller --lag, or a"
            " larger T in --timesteps."
        )
    return every[0] if one_for_all else dict(zip(names, every, strict=True))


def check_lag(lag: Lag | None, conversion: tfsnn.Conversion) -> None:
    """Raises unless `--lag` names neurons of the network.

    Raises:
        absl.app.UsageError: If it does not.
    """
    try:
        check_lag_names(lag, conversion.neuron_names)
    except ValueError as error:
        raise app.UsageError(f"--{error}") from error
