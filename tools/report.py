"""Shows runs side by side: one HTML file, or JSON, or text.

RUN is a folder written by `tfsnn evaluate --output=DIR`, or by `tfsnn
calibrate`, of which only the calibration is known. The HTML file needs nothing
else, and no network; it needs the extra 'report' (matplotlib and jinja2).
"""

import json
import pathlib

from absl import app, flags

from tfsnn import reports
from tfsnn.errors import ReportError
from tfsnn_tools import command_line, flag_groups

USAGE = "tfsnn report RUN [RUN ...] [--output=FILE] [--json]"


def define_flags() -> flags.FlagValues:
    """The flags of this command."""
    values = flags.FlagValues()
    options = {"flag_values": values}
    flags.DEFINE_string("output", "report.html", "HTML file.", **options)
    flags.DEFINE_bool(
        "overwrite", False, "Replace an --output that exists.", **options
    )
    flags.DEFINE_bool(
        "text", False, "Print text only, write nothing.", **options
    )
    flags.DEFINE_bool(
        "json", False, "Print JSON only, write nothing.", **options
    )
    flags.DEFINE_string(
        "tensorboard",
        None,
        "Folder for TensorBoard summaries as well; new.",
        **options,
    )
    flag_groups.define_quiet(values)
    return values


def main(argv: list[str]) -> int:
    """Reads the runs, writes the report, prints its text.

    Args:
        argv: Program name, runs and flags.

    Returns:
        0.

    Raises:
        ReportError: If a run cannot be read, or the file not be written.
    """
    options = define_flags()
    paths = command_line.parse_many(argv, options, positional="RUN")
    if options.json and options.text:
        raise app.UsageError(
            "Received --json and --text. Supported: one of them. Leave one out."
        )
    output = pathlib.Path(options.output)
    writes = not (options.json or options.text)
    if options["output"].present and not writes:
        raise app.UsageError(
            "Received --output with --json or --text, which write nothing."
            " Leave one out."
        )
    if writes and output.is_dir():
        raise ReportError(
            f"Received the output '{output}', which is a folder. Supported: a"
            " file. Choose another --output."
        )
    if writes and output.exists() and not options.overwrite:
        raise ReportError(
            f"Received the output '{output}', which exists. Supported: a new"
            " file. Choose another --output, or replace it with --overwrite."
        )
    report = reports.build_report([reports.read_run(path) for path in paths])
    if options.tensorboard:
        reports.write_summaries(report, options.tensorboard)
    if options.json:
        print(json.dumps(report, indent=2, allow_nan=False))
        return 0
    if writes:
        reports.write_html(report, output, progress=not options.quiet)
    print(reports.report_text(report))
    if writes:
        print(f"Written: {output}")
    return 0
