"""Other formats of spiking networks, in both directions."""

from .int8_weights import with_int8_weights
from .litert_export import export_litert
from .loss_report import Loss, LossReport
from .nir_export import export_nir
from .nir_import import import_nir

__all__ = [
    "Loss",
    "LossReport",
    "export_litert",
    "export_nir",
    "import_nir",
    "with_int8_weights",
]
