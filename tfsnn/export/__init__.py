"""Export of spiking networks, for TensorFlow Serving."""

from .manifest_file import read_manifest
from .reload import ReloadRecord, reload_check, second_batch
from .saved_model import ExportRecord, export_saved_model

__all__ = [
    "ExportRecord",
    "ReloadRecord",
    "export_saved_model",
    "read_manifest",
    "reload_check",
    "second_batch",
]
