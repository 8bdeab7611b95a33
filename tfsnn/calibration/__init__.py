"""Calibration of a converted network, layer by layer."""

from . import pipelines
from .biases import BiasCalibration
from .calibrate import calibrate
from .images import CalibrationImages
from .pipelines import Pipeline
from .potentials import PotentialCalibration
from .record import Step
from .result import CalibrationResult
from .strategy import Strategy, repeat
from .sweep import SweepConfig
from .tap import SegmentView, Tap
from .temporal import TemporalBiasCalibration
from .thresholds import (
    AveragedThreshold,
    MaximumThreshold,
    MmseThreshold,
    PercentileThreshold,
)
from .weights import WeightCalibration

__all__ = [
    "AveragedThreshold",
    "BiasCalibration",
    "CalibrationImages",
    "CalibrationResult",
    "MaximumThreshold",
    "MmseThreshold",
    "PercentileThreshold",
    "Pipeline",
    "PotentialCalibration",
    "SegmentView",
    "Step",
    "Strategy",
    "SweepConfig",
    "Tap",
    "TemporalBiasCalibration",
    "WeightCalibration",
    "calibrate",
    "pipelines",
    "repeat",
]
