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
    tsc,
)
from .shifted import ShiftedThreshold
from .spike_norm import SpikeNormThreshold
from .switch_coding import SwitchActivity, switch_activity

__all__ = [
    "HybridTraining",
    "LocalBalancing",
    "ShiftedThreshold",
    "SpikeNormThreshold",
    "SwitchActivity",
    "fine_tune",
    "local_balancing",
    "maximum",
    "opt",
    "percentile",
    "rmp",
    "spike_norm",
    "switch_activity",
    "tsc",
]
