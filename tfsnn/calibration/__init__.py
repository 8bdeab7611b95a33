"""Calibration of a converted network, layer by layer."""

from . import pipelines
from .biases import BiasCalibration
from .block_weights import BlockCalibration
from .calibrate import calibrate
from .gains import GainCalibration
from .gaussian import GaussianThreshold
from .images import CalibrationImages
from .least_squares import LeastSquaresCalibration
from .pipeline import Pipeline
from .potentials import PotentialCalibration
from .readout_delay import ReadoutDelay
from .readouts import ReadoutCalibration
from .record import Step, Trial
from .result import CalibrationResult
from .search import Search
from .step_weights import StepWeightCalibration
from .strategy import Strategy, repeat
from .sweep import SweepConfig
from .tap import SegmentView, Tap
from .temporal import TemporalBiasCalibration
from .threshold_search import ThresholdSearch
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
    "BlockCalibration",
    "CalibrationImages",
    "CalibrationResult",
    "GainCalibration",
    "GaussianThreshold",
    "LeastSquaresCalibration",
    "MaximumThreshold",
    "MmseThreshold",
    "PercentileThreshold",
    "Pipeline",
    "PotentialCalibration",
    "ReadoutCalibration",
    "ReadoutDelay",
    "Search",
    "SegmentView",
    "Step",
    "StepWeightCalibration",
    "Strategy",
    "SweepConfig",
    "Tap",
    "TemporalBiasCalibration",
    "ThresholdSearch",
    "Trial",
    "WeightCalibration",
    "calibrate",
    "pipelines",
    "repeat",
]
