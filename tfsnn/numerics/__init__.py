"""Numbers behind a conversion, in NumPy alone."""

from tfsnn.numerics.folding import (
    batch_norm_affine,
    fold_into_consumer,
    fold_into_producer,
)
from tfsnn.numerics.kernel_layout import KernelLayout
from tfsnn.numerics.quantiser import Quantiser
from tfsnn.numerics.rescaling import rescale_kernel, rescale_output
from tfsnn.numerics.response import response, spike_count
from tfsnn.numerics.thresholds import SortedActivations

__all__ = [
    "KernelLayout",
    "Quantiser",
    "SortedActivations",
    "batch_norm_affine",
    "fold_into_consumer",
    "fold_into_producer",
    "rescale_kernel",
    "rescale_output",
    "response",
    "spike_count",
]
