"""Pure TensorFlow: neuron steps, time, straight-through gradients."""

from .bit_plane_neuron import BitPlane
from .burst_neuron import Burst
from .integrate_and_fire import RESETS, fire_hard_reset, fire_soft_reset
from .neuron_kind import NeuronKind
from .neuron_kinds import NEURON_KINDS, neuron_kind
from .plain_neuron import IntegrateAndFire
from .response import drop_quantiser, quantised
from .signed_neuron import SignedIntegrateAndFire
from .spike_counts import (
    count_constant,
    count_signed_constant,
    count_two_phase,
)
from .surrogate import straight_through_floor
from .time import fold, repeat, scan, unfold

__all__ = [
    "BitPlane",
    "Burst",
    "IntegrateAndFire",
    "NEURON_KINDS",
    "NeuronKind",
    "RESETS",
    "SignedIntegrateAndFire",
    "count_constant",
    "count_signed_constant",
    "count_two_phase",
    "drop_quantiser",
    "fire_hard_reset",
    "fire_soft_reset",
    "fold",
    "neuron_kind",
    "quantised",
    "repeat",
    "scan",
    "straight_through_floor",
    "unfold",
]
