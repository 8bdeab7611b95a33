"""Serves an export on this machine, for development.

Speaks the gRPC and REST interfaces of TensorFlow Serving, loads through the
same loader, and follows models.config: labels move to a new revision while it
runs. For production use the official image: compose.yaml in the export.
"""

import contextlib

from absl import flags

from tfsnn.serving import DevelopmentServer
from tfsnn_tools import command_line

USAGE = "tfsnn serve DIR [--flags]"


def define_flags() -> flags.FlagValues:
    """The flags of this command."""
    values = flags.FlagValues()
    flags.DEFINE_string(
        "host",
        "127.0.0.1",
        "Address to listen at; this machine alone by default.",
        flag_values=values,
    )
    for name, default, protocol in (
        ("port", 8500, "gRPC"),
        ("rest_port", 8501, "REST"),
    ):
        flags.DEFINE_integer(
            name,
            default,
            f"Port of {protocol}; 0: any that is free.",
            lower_bound=0,
            upper_bound=65535,
            flag_values=values,
        )
    flags.DEFINE_float(
        "poll_seconds",
        1.0,
        "How often models.config is looked at.",
        lower_bound=0.01,
        flag_values=values,
    )
    return values


def main(argv: list[str]) -> int:
    """Serves until it is interrupted.

    Args:
        argv: Program name, flags and the export folder.

    Returns:
        0.

    Raises:
        TfsnnError: If the folder is no sound export, a port is taken or the
            extra `serving` is not installed.
    """
    options = define_flags()
    (folder,) = command_line.parse(argv, options, positional=("DIR",))
    with DevelopmentServer(
        folder,
        host=options.host,
        port=options.port,
        rest_port=options.rest_port,
        poll_seconds=options.poll_seconds,
    ) as server:
        config = server.repository.config
        labels = ", ".join(config.labels)
        with contextlib.suppress(KeyboardInterrupt):
            print(
                f"Serving '{config.name}' ({labels}): gRPC {options.host}:"
                f"{server.port}, REST {options.host}:{server.rest_port}."
                " Stop with Ctrl-C.",
                flush=True,
            )
            server.wait()
    return 0
