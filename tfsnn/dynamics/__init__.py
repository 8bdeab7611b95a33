"""Pure TensorFlow: neuron steps, time, straight-through gradients."""

from .integrate_and_fire import RESETS, fire_hard_reset, fire_soft_reset
from .spike_counts import count_constant, count_two_phase
from .surrogate import straight_through_floor
from .time import fold, repeat, scan, unfold

__all__ = [
    "RESETS",
    "count_constant",
    "count_two_phase",
    "fire_hard_reset",
    "fire_soft_reset",
    "fold",
    "repeat",
    "scan",
    "straight_through_floor",
    "unfold",
]
