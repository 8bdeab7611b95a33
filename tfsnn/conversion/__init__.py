"""From a Keras network to a spiking one: check, convert, rules."""

from tfsnn.graph.custom_rules import register_rule, unregister_rule

from .check import check
from .compiled_neurons import CompiledNeurons
from .config import ConversionConfig
from .converter import Conversion, convert
from .counting_model import counting_model
from .findings import Finding, Findings
from .legacy import load_legacy_model
from .picture import draw_segments
from .precision import with_dtype_policy
from .stepping import SteppingForm
from .stepping_model import stepping_model
from .survey import Survey, survey
from .survey_text import survey_text
from .timetable import latency_steps, timesteps_of
from .unit_spikes import with_unit_spikes

__all__ = [
    "CompiledNeurons",
    "Conversion",
    "ConversionConfig",
    "Finding",
    "Findings",
    "SteppingForm",
    "Survey",
    "check",
    "convert",
    "counting_model",
    "draw_segments",
    "latency_steps",
    "load_legacy_model",
    "register_rule",
    "stepping_model",
    "survey",
    "survey_text",
    "timesteps_of",
    "unregister_rule",
    "with_dtype_policy",
    "with_unit_spikes",
]
