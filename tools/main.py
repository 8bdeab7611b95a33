"""The command `tfsnn`: finds the sub-command, runs it, explains mistakes.

Nothing heavy is imported before a sub-command is chosen, so that the help
answers at once.
"""

import contextlib
import difflib
import importlib
import linecache
import os
import sys
import types
from collections.abc import Mapping

from absl import app, flags

from tfsnn_tools import command_line, quiet_start

COMMANDS = {
    "quickstart": "Converts the network that ships with tfsnn; shows it all.",
    "check": "Says whether a network converts, and if not, all reasons why.",
    "calibrate": "Makes a network spike: one calibrated model per T.",
    "evaluate": "Measures accuracy, spikes and cost on labelled images.",
    "report": "Shows runs side by side as HTML, JSON or text.",
    "export": "Writes calibrated models as TensorFlow SavedModels.",
    "inspect": "Prints what an export is, and whether it was changed.",
    "serve": "Serves an export on this machine, for development.",
    "request": "Sends images to a server, prints classes.",
    "train": "Trains a network of the zoo and writes it with a card.",
    "import_weights": "Puts PyTorch's weights into a network of the zoo.",
    "reproduce": "Makes one of the paper's tables, its figures beside ours.",
    "benchmark": "Measures simulation, calibration or accuracy.",
    "version": "Prints the version of tfsnn and of what it runs on.",
}
BENCHMARKS = {
    "simulation": "Time and memory of T steps, against the analog network.",
    "calibration": "Time of a calibration, for networks of several depths.",
    "costs": "Time and memory of a calibration, against one run of T steps.",
    "accuracy": "Drop from the analog network for each T and threshold.",
    "pipelines": "The same for each pipeline and clock, over several seeds.",
    "serving": "Requests a second and latency of exports, through a server.",
}
# The module of a command, where it has another name.
MODULES = {"inspect": "inspect_export"}
HELP = ("help", "-h", "-help", "--help", "--helpshort", "--helpfull")
OUR_PACKAGES = ("tfsnn", "tfsnn_models", "tfsnn_tools")
OTHER_BACKENDS = ("jax", "torch", "openvino", "mlx")

SUCCESS, FAILURE, USAGE_ERROR, INTERRUPTED, BROKEN_PIPE = 0, 1, 2, 130, 141


def run(argv: list[str] | None = None) -> int:
    """Runs one command line.

    Args:
        argv: Program name, sub-command and flags; None: `sys.argv`.

    Returns:
        Exit code: 0 success; 1 a mistake explained on stderr, or a model that
        `check` refuses; 2 a command line that cannot be read; 130 interrupted.
    """
    argv = list(sys.argv if argv is None else argv)
    try:
        code = _dispatch(argv[1:])
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return _complain("interrupted", INTERRUPTED)
    except BrokenPipeError:  # The reader of our output, such as head, left.
        return _silenced(BROKEN_PIPE)
    except (app.UsageError, flags.Error) as error:
        command = f" {argv[1]}" if argv[1:2] and argv[1] in COMMANDS else ""
        return _complain(
            f"error: {error}\nSee: tfsnn{command} --help", USAGE_ERROR
        )
    except Exception as error:
        message = explanation(error)
        if message is None:
            raise
        return _complain(f"error: {message}", FAILURE)


def _dispatch(arguments: list[str]) -> int:
    if not arguments:
        print(overview(), file=sys.stderr)
        return USAGE_ERROR
    name, *rest = arguments
    if name in HELP:
        print(overview())
        return SUCCESS
    if name in ("version", "--version"):
        print(quiet_start.versions_text())
        return SUCCESS
    if name not in COMMANDS:
        raise app.UsageError(_unknown(name, COMMANDS))
    if name == "benchmark":
        return _benchmark(rest)
    quiet_start.import_tensorflow()
    return _run_module(MODULES.get(name, name), f"tfsnn {name}", rest)


def _benchmark(arguments: list[str]) -> int:
    if not arguments or arguments[0] in HELP:
        text = _list_of("tfsnn benchmark NAME", BENCHMARKS)
        print(text, file=sys.stdout if arguments else sys.stderr)
        return SUCCESS if arguments else USAGE_ERROR
    name, *rest = arguments
    if name not in BENCHMARKS:
        raise app.UsageError(_unknown(f"benchmark {name}", BENCHMARKS))
    return _run_module(f"benchmark_{name}", f"tfsnn benchmark {name}", rest)


def _run_module(name: str, command: str, arguments: list[str]) -> int:
    module = importlib.import_module(f"tfsnn_tools.{name}")
    if command_line.wants_help(arguments):
        print(command_line.help_text(module))
        return SUCCESS
    return module.main([command, *arguments])


def overview() -> str:
    """The list of sub-commands, a line each."""
    return _list_of("tfsnn COMMAND", COMMANDS)


def _list_of(command: str, names: Mapping[str, str]) -> str:
    lines = [f"usage: {command} [--flags]", ""]
    lines += [f"  {name:<16}{text}" for name, text in names.items()]
    return "\n".join([*lines, "", f"Flags of a command: {command} --help"])


def _unknown(command: str, names: Mapping[str, str]) -> str:
    name = command.rpartition(" ")[-1]
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    return (
        f"Received the command '{command}'. Supported: {', '.join(names)}."
        f"{hint}"
    )


def explanation(error: Exception) -> str | None:
    """The text for the user, or None where the traceback is needed.

    Args:
        error: Anything a sub-command raised.

    Returns:
        The message of what this project raised on purpose, or of what the
        operating system refused; None for a fault in the program.
    """
    if isinstance(error, ModuleNotFoundError) and error.name in OTHER_BACKENDS:
        return (
            f"Keras is set to the backend '{error.name}', which is not"
            " installed. tfsnn supports TensorFlow only. Set"
            " KERAS_BACKEND=tensorflow."
        )
    own = getattr(sys.modules.get("tfsnn.errors"), "TfsnnError", OSError)
    if isinstance(error, (own, OSError)):
        return str(error) or type(error).__name__
    on_purpose = isinstance(
        error, (ValueError, TypeError, ImportError, FloatingPointError)
    )
    if on_purpose and _raised_by_us(error.__traceback__):
        return str(error)
    return None


def _raised_by_us(traceback: types.TracebackType | None) -> bool:
    """Whether the error comes from a `raise` statement of this project."""
    if traceback is None:
        return False
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
    scope = traceback.tb_frame.f_globals
    package = scope.get("__name__", "").partition(".")[0]
    file = traceback.tb_frame.f_code.co_filename
    line = linecache.getline(file, traceback.tb_lineno, scope)
    return package in OUR_PACKAGES and line.lstrip().startswith("raise")


def _silenced(code: int) -> int:
    """Points stdout nowhere, so that Python's last flush cannot fail."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code


def _complain(text: str, code: int) -> int:
    print(text, file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(run())
