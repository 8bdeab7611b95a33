"""Evaluation of spiking networks: accuracy, spikes, cost, errors."""

from .activity import Activity
from .cost import Cost, LayerCost
from .diagnose import diagnose
from .diagnosis import Diagnosis, LayerDiagnosis
from .evaluate import evaluate
from .neuron_figures import neuron_samples, threshold_curves
from .rasters import spike_rasters
from .record import Evaluation

__all__ = [
    "Activity",
    "Cost",
    "Diagnosis",
    "Evaluation",
    "LayerCost",
    "LayerDiagnosis",
    "diagnose",
    "evaluate",
    "neuron_samples",
    "spike_rasters",
    "threshold_curves",
]
