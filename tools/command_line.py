"""Parses the flags of one sub-command, and writes its help.

A sub-command is a module with `USAGE`, `define_flags()` that returns its own
`FlagValues`, and `main(argv) -> int`. Nothing is shared between commands, so
none sees the flags of another, or of the libraries.
"""

import shlex
import textwrap
import types
from collections.abc import Sequence

from absl import app, flags

HELP = {"-h", "-help", "--help", "--helpshort", "--helpfull"}


def wants_help(arguments: Sequence[str]) -> bool:
    """Whether one of the arguments before a `--` asks for help."""
    arguments = list(arguments)
    if "--" in arguments:
        arguments = arguments[: arguments.index("--")]
    return not HELP.isdisjoint(arguments)


def as_typed(argv: Sequence[str]) -> str:
    """A line that a shell reads as these arguments, for records.

    Args:
        argv: `"tfsnn NAME"`, flags and arguments.

    Returns:
        The line; arguments with spaces and the like are quoted.
    """
    return " ".join([*argv[:1], *map(shlex.quote, argv[1:])])


def whole_numbers(
    values: flags.FlagValues, name: str, *, low: int, required: bool = False
) -> list[int]:
    """The numbers of a list flag.

    Args:
        values: Parsed flags.
        name: Of the flag.
        low: Smallest supported.
        required: Whether there has to be one.

    Returns:
        The numbers, in their order.

    Raises:
        app.UsageError: If an entry is no whole number from `low`, or none is
            there that has to be.
    """
    texts = values[name].value
    numbers = [int(text) for text in texts if text.strip().isdecimal()]
    wrong = len(numbers) != len(texts) or (required and not numbers)
    if wrong or (numbers and min(numbers) < low):
        raise app.UsageError(
            f"Received --{name}={','.join(texts)}. Supported: whole numbers"
            f" from {low}, with commas."
        )
    return numbers


def parse(
    argv: Sequence[str],
    values: flags.FlagValues,
    *,
    required: Sequence[str] = (),
    positional: Sequence[str] = (),
) -> list[str]:
    """Reads the command line into `values`.

    Args:
        argv: Program name, flags and arguments in any order; names of flags
            with underscores or dashes.
        values: Flags of the command.
        required: Names of flags that must be given.
        positional: What the arguments without a dash are, one each.

    Returns:
        The arguments without a dash, as many as `positional`.

    Raises:
        absl.app.UsageError: If a required flag or an argument is missing, or
            there are too many.
        absl.flags.Error: If a flag is unknown or its value is illegal.
    """
    arguments = _read(argv, values, required, positional)
    extra = arguments[len(positional) :]
    if extra:
        raise app.UsageError(
            f"Received unexpected arguments: {' '.join(extra)}. Flags start"
            " with two dashes: --name=value."
        )
    return arguments


def parse_many(
    argv: Sequence[str],
    values: flags.FlagValues,
    *,
    required: Sequence[str] = (),
    positional: str,
) -> list[str]:
    """Reads a command line with any number of arguments, at least one.

    Args:
        argv: See `parse`.
        values: See `parse`.
        required: See `parse`.
        positional: What an argument without a dash is.

    Returns:
        The arguments without a dash.

    Raises:
        absl.app.UsageError: If a required flag or every argument is missing.
        absl.flags.Error: If a flag is unknown or its value is illegal.
    """
    return _read(argv, values, required, (positional,))


def _read(argv, values, required, positional) -> list[str]:
    values.set_gnu_getopt(True)
    _, *arguments = values(_underscored(argv))
    missing = [
        f"--{name}" for name in required if values[name].value in (None, "", [])
    ]
    missing += positional[len(arguments) :]
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        raise app.UsageError(f"{', '.join(missing)} {verb} missing.")
    return arguments


def _underscored(argv: Sequence[str]) -> list[str]:
    """Flags before a `--` with underscores in their names."""
    words = list(argv)
    stop = words.index("--") if "--" in words else len(words)
    for index, word in enumerate(words[:stop]):
        name, equals, value = word.partition("=")
        if name.startswith("--"):
            name = "--" + name[2:].replace("-", "_")
        words[index] = f"{name}{equals}{value}"
    return words


def help_text(module: types.ModuleType) -> str:
    """Usage, purpose and flags of a sub-command.

    Args:
        module: The module of the command.

    Returns:
        Text of at most 80 columns.
    """
    values = module.define_flags()
    lines = [f"usage: {module.USAGE}", "", module.__doc__.strip(), "", "Flags:"]
    for name in values:
        lines += _flag_lines(values[name])
    lines += ["  --flagfile=FILE", "      Reads flags from a file, one a line."]
    return "\n".join(lines)


def _flag_lines(flag: flags.Flag) -> list[str]:
    head = f"--[no]{flag.name}" if flag.boolean else f"--{flag.name}"
    default = flag.default_as_str
    note = "" if default is None else f" (default: {default})"
    text = f"{flag.help}{note}"
    indent = " " * 6
    wrapped = textwrap.wrap(
        text, 80, initial_indent=indent, subsequent_indent=indent
    )
    return [f"  {head}", *wrapped]
