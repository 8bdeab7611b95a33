"""Says whether a network converts, what becomes of it, and what it takes.

The exit code is 0 if it converts, else 1.
"""

from absl import flags

import tfsnn
from tfsnn.conversion import draw_segments, survey_text
from tfsnn_tools import (
    command_line,
    flag_groups,
    model_files,
    structure_flags,
    user_modules,
)

USAGE = "tfsnn check MODEL.keras [--timesteps=T] [--plot=FILE] [--json]"


def define_flags() -> flags.FlagValues:
    """The flags of this command."""
    values = flags.FlagValues()
    flag_groups.define_json(values)
    flags.DEFINE_integer(
        "timesteps",
        None,
        "Estimate memory and time for this T; runs the model on random input.",
        lower_bound=1,
        flag_values=values,
    )
    flags.DEFINE_string(
        "plot",
        None,
        "Draw the segment graph to this .svg, .png or .pdf file.",
        flag_values=values,
    )
    structure_flags.define(values)
    user_modules.define(values)
    return values


def main(argv: list[str]) -> int:
    """Prints the survey.

    Args:
        argv: Program name, a file and flags.

    Returns:
        0 if the model converts, else 1.

    Raises:
        ModelFileError: If the file is not a model.
        ConversionError: If the picture cannot be drawn.
    """
    options = define_flags()
    (path,) = command_line.parse(argv, options, positional=("MODEL.keras",))
    user_modules.load(options)
    found = tfsnn.survey(
        model_files.load_keras_model(path),
        config=tfsnn.ConversionConfig(
            **structure_flags.conversion_options(options)
        ),
        timesteps=options.timesteps,
    )
    print(found.to_json() if options.json else survey_text(found))
    if options.plot and found.findings.ok:
        draw_segments(found, options.plot)
    return 0 if found.findings.ok else 1
