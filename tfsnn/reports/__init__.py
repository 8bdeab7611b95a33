"""Reports on runs: records, then rows, then HTML, JSON or text."""

from .page import write_html
from .rows import build_report
from .run import EVALUATION, EVALUATION_SCHEMA, Run, read_run
from .summaries import write_summaries
from .text import report_text

__all__ = [
    "EVALUATION",
    "EVALUATION_SCHEMA",
    "Run",
    "build_report",
    "read_run",
    "report_text",
    "write_html",
    "write_summaries",
]
