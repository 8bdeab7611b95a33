"""Models as graphs: a read-only view, a rewriter, passes, segments."""

from .rewrite import Rewriter, rewrite, unchanged
from .segments import Segment, cut
from .trace import trace
from .view import Call, Graph

__all__ = [
    "Call",
    "Graph",
    "Rewriter",
    "Segment",
    "cut",
    "rewrite",
    "trace",
    "unchanged",
]
