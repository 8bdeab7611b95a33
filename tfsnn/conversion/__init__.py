"""From a Keras network to a spiking one: check, convert, rules."""

from .check import check
from .config import ConversionConfig
from .converter import Conversion, convert
from .findings import Finding, Findings

__all__ = [
    "Conversion",
    "ConversionConfig",
    "Finding",
    "Findings",
    "check",
    "convert",
]
