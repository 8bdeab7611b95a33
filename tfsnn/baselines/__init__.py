"""Methods to compare with, on the contracts of the calibration."""

from .hybrid import HybridTraining, fine_tune
from .local_balancing import LocalBalancing
from .pipelines import (
    local_balancing,
    maximum,
    opt,
    percentile,
    rmp,
    spike_norm,
)
from .shifted import ShiftedThreshold
from .spike_norm import SpikeNormThreshold

__all__ = [
    "HybridTraining",
    "LocalBalancing",
    "ShiftedThreshold",
    "SpikeNormThreshold",
    "fine_tune",
    "local_balancing",
    "maximum",
    "opt",
    "percentile",
    "rmp",
    "spike_norm",
]
