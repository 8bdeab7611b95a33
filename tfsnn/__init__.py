"""Trained Keras networks as calibrated spiking networks.

Example:
    >>> conversion = tfsnn.convert(model)
    >>> result = tfsnn.calibrate(conversion, images, timesteps=[8, 16, 32])
    >>> print(tfsnn.evaluate(result[16], (x_test, y_test), reference=model))
    >>> tfsnn.export_saved_model(result, "export/my_model")
"""

# The backend is checked before any module that needs TensorFlow is imported.
from .backend import require_tensorflow_backend

require_tensorflow_backend()

from . import layers  # noqa: E402
from .calibration import (  # noqa: E402
    CalibrationResult,
    Pipeline,
    SweepConfig,
    calibrate,
    pipelines,
)
from .conversion import (  # noqa: E402
    Conversion,
    ConversionConfig,
    Findings,
    check,
    convert,
    load_legacy_model,
    register_rule,
    survey,
)
from .evaluation import (  # noqa: E402
    Diagnosis,
    Evaluation,
    diagnose,
    evaluate,
)
from .exchange import export_nir, import_nir  # noqa: E402
from .export import export_saved_model  # noqa: E402
from .version import __version__  # noqa: E402

__all__ = [
    "CalibrationResult",
    "Conversion",
    "ConversionConfig",
    "Diagnosis",
    "Evaluation",
    "Findings",
    "Pipeline",
    "SweepConfig",
    "__version__",
    "calibrate",
    "check",
    "convert",
    "diagnose",
    "evaluate",
    "export_nir",
    "export_saved_model",
    "import_nir",
    "layers",
    "load_legacy_model",
    "pipelines",
    "register_rule",
    "survey",
]
