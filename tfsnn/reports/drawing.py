"""Draws with matplotlib, as SVG that takes its colours from the page."""

import importlib
import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tfsnn.errors import ReportError

INK = "#010203"
"""Stands for the colour of text; becomes `currentColor`."""
COLOURS = (
    "#4c8fd6",
    "#f08a24",
    "#3fa34d",
    "#d9534f",
    "#9b7fd1",
    "#2aa7a0",
    "#c9a227",
    "#b0708f",
    "#7f8c8d",
)
"""Told apart on white and on black."""
WIDTH, HEIGHT = 4.6, 2.9
FEW_DECADES = 200.0
"""Range of an axis below which 2 and 5 are written, too."""
STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "tfsnn",
    "text.parse_math": False,
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": True,
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.color": INK,
    "grid.alpha": 0.15,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
}
_HEAD = re.compile(r"^.*?(?=<svg)", re.DOTALL)
_METADATA = re.compile(r"<metadata>.*?</metadata>", re.DOTALL)
# Ids that number the parts of a figure: they would be there once a figure.
_NUMBERED = re.compile(r' id="[A-Za-z][A-Za-z0-9.]*_\d+"')
_SIZE = re.compile(r'(<svg[^>]*?) width="[^"]*"')
_HEIGHT = re.compile(r'(<svg[^>]*?) height="[^"]*"')


def require(name: str) -> Any:
    """Imports what only reports need.

    Args:
        name: Name of a module.

    Returns:
        The module.

    Raises:
        ReportError: If it is not installed; names the extra.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise ReportError(
            f"Reports need '{name.partition('.')[0]}', which is not installed."
            " Supported: an installation with the extra 'report'. Install it:"
            " pip install 'tfsnn[report]'."
        ) from error


def drawn(
    draw: Callable[..., None],
    *arguments: Any,
    panels: int = 1,
    height: float = HEIGHT,
) -> str:
    """One figure.

    Args:
        draw: Draws on the axes it gets first; on a list of them if there are
            several panels.
        *arguments: What else it gets.
        panels: Axes above each other.
        height: Inches of one panel.

    Returns:
        An `<svg>` element that needs nothing else.

    Raises:
        ReportError: If matplotlib is not installed.
    """
    with _style():
        figure = require("matplotlib.figure").Figure(
            figsize=(WIDTH, height * panels), layout="constrained"
        )
        axes = [
            figure.add_subplot(panels, 1, place + 1) for place in range(panels)
        ]
        draw(axes[0] if panels == 1 else axes, *arguments)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return _inline(buffer.getvalue())


@contextmanager
def _style() -> Iterator[None]:
    with require("matplotlib").rc_context(STYLE):
        yield


def _inline(text: str) -> str:
    text = _METADATA.sub("", _HEAD.sub("", text, count=1))
    text = _NUMBERED.sub("", text)
    text = _HEIGHT.sub(r"\1", _SIZE.sub(r"\1", text, count=1), count=1)
    return text.replace(INK, "currentColor")


def log_axis(axis: Any, base: int = 10) -> None:
    """Makes an axis logarithmic, once it has data, with plain numbers.

    Args:
        axis: `axes.xaxis` or `axes.yaxis`.
        base: Of the logarithm.
    """
    axis.axes.set(**{f"{axis.axis_name}scale": "log"})
    ticker = require("matplotlib.ticker")
    low, high = sorted(axis.get_data_interval())
    narrow = base == 10 and low > 0 and high / low < FEW_DECADES
    subs = (1.0, 2.0, 5.0) if narrow else (1.0,)
    axis.set_major_locator(ticker.LogLocator(base=base, subs=subs, numticks=8))
    axis.set_major_formatter(lambda value, _: f"{value:g}")
    axis.set_minor_formatter(ticker.NullFormatter())


def legend_text(name: str) -> str:
    """A name that a legend shows: what begins with `_` is left out of it."""
    return f" {name}" if name.startswith("_") else name


def colour(place: int) -> str:
    """The colour of one of several things."""
    return COLOURS[place % len(COLOURS)]
