"""Export of spiking networks, for TensorFlow Serving."""

from .bundle import export_bundle
from .image_decoding import ImageDecoding
from .manifest_file import check_intact, read_manifest
from .reload import ReloadRecord, reload_check, second_batch
from .saved_model import ExportRecord, export_saved_model

__all__ = [
    "ExportRecord",
    "ImageDecoding",
    "ReloadRecord",
    "check_intact",
    "export_bundle",
    "export_saved_model",
    "read_manifest",
    "reload_check",
    "second_batch",
]
