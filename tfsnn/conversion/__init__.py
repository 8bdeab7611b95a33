"""From a Keras network to a spiking one: check, convert, rules."""

from .check import check
from .config import ConversionConfig
from .converter import Conversion, convert
from .findings import Finding, Findings
from .precision import with_dtype_policy
from .unit_spikes import with_unit_spikes

__all__ = [
    "Conversion",
    "ConversionConfig",
    "Finding",
    "Findings",
    "check",
    "convert",
    "with_dtype_policy",
    "with_unit_spikes",
]
