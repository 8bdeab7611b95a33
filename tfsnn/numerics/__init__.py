"""Numbers behind a conversion, in NumPy alone."""

from tfsnn.numerics.energy import (
    ENERGY_MODELS,
    MEMORY_MODELS,
    EnergyModel,
    MemoryModel,
    energy_rows,
)
from tfsnn.numerics.equalisation import equalisation_scale
from tfsnn.numerics.folding import (
    batch_norm_affine,
    fold_into_consumer,
    fold_into_producer,
)
from tfsnn.numerics.gain import Gain, GainFit, least_squares_gain
from tfsnn.numerics.gaussian_threshold import gaussian_threshold
from tfsnn.numerics.kernel_layout import KernelLayout
from tfsnn.numerics.operations import Operations, synaptic_operations
from tfsnn.numerics.quantiser import Quantiser
from tfsnn.numerics.rectified_gaussian import rectified_gaussian
from tfsnn.numerics.rescaling import rescale_kernel, rescale_output
from tfsnn.numerics.response import response, spike_count
from tfsnn.numerics.thresholds import SortedActivations

__all__ = [
    "ENERGY_MODELS",
    "EnergyModel",
    "Gain",
    "GainFit",
    "KernelLayout",
    "MEMORY_MODELS",
    "MemoryModel",
    "Operations",
    "Quantiser",
    "SortedActivations",
    "batch_norm_affine",
    "energy_rows",
    "equalisation_scale",
    "fold_into_consumer",
    "fold_into_producer",
    "gaussian_threshold",
    "least_squares_gain",
    "rectified_gaussian",
    "rescale_kernel",
    "rescale_output",
    "response",
    "spike_count",
    "synaptic_operations",
]
