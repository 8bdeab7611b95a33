"""Pure TensorFlow: neuron steps, time, straight-through gradients."""

from .integrate_and_fire import RESETS, fire_hard_reset, fire_soft_reset
from .response import drop_quantiser, quantised
from .spike_counts import count_constant, count_two_phase
from .surrogate import straight_through_floor
from .time import fold, repeat, scan, unfold

__all__ = [
    "RESETS",
    "count_constant",
    "count_two_phase",
    "drop_quantiser",
    "fire_hard_reset",
    "fire_soft_reset",
    "fold",
    "quantised",
    "repeat",
    "scan",
    "straight_through_floor",
    "unfold",
]
