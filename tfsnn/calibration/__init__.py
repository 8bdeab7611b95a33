"""Calibration of a converted network, layer by layer."""

from . import pipelines
from .biases import BiasCalibration
from .calibrate import calibrate
from .images import CalibrationImages
from .pipelines import Pipeline
from .record import Step
from .result import CalibrationResult
from .strategy import Strategy, Tap, repeat
from .sweep import SweepConfig
from .thresholds import MaximumThreshold, MmseThreshold, PercentileThreshold
from .weights import WeightCalibration

__all__ = [
    "BiasCalibration",
    "CalibrationImages",
    "CalibrationResult",
    "MaximumThreshold",
    "MmseThreshold",
    "PercentileThreshold",
    "Pipeline",
    "Step",
    "Strategy",
    "SweepConfig",
    "Tap",
    "WeightCalibration",
    "calibrate",
    "pipelines",
    "repeat",
]
