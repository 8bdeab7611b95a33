"""From a Keras network to a spiking one: check, convert, rules."""

from .check import check
from .compiled_neurons import CompiledNeurons
from .config import ConversionConfig
from .converter import Conversion, convert
from .counting_model import counting_model
from .findings import Finding, Findings
from .precision import with_dtype_policy
from .stepping import SteppingForm
from .stepping_model import stepping_model
from .timetable import latency_steps, timesteps_of
from .unit_spikes import with_unit_spikes

__all__ = [
    "CompiledNeurons",
    "Conversion",
    "ConversionConfig",
    "Finding",
    "Findings",
    "SteppingForm",
    "check",
    "convert",
    "counting_model",
    "latency_steps",
    "stepping_model",
    "timesteps_of",
    "with_dtype_policy",
    "with_unit_spikes",
]
