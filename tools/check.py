"""Says whether a network converts, and if not, all reasons why.

The exit code is 0 if it converts, else 1.
"""

from absl import flags

import tfsnn
from tfsnn_tools import command_line, flag_groups, model_files

USAGE = "tfsnn check MODEL.keras [--json]"


def define_flags() -> flags.FlagValues:
    """The flags of this command."""
    values = flags.FlagValues()
    flag_groups.define_json(values)
    return values


def main(argv: list[str]) -> int:
    """Prints the findings.

    Args:
        argv: Program name, a file and flags.

    Returns:
        0 if the model converts, else 1.

    Raises:
        ModelFileError: If the file is not a model.
    """
    options = define_flags()
    (path,) = command_line.parse(argv, options, positional=("MODEL.keras",))
    findings = tfsnn.check(model_files.load_keras_model(path))
    print(findings.to_json() if options.json else findings)
    return 0 if findings.ok else 1
