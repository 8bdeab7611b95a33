"""Error types; each is also a built-in, so callers need not import ours."""


class TfsnnError(Exception):
    """Base of all errors raised on purpose by this library."""


class BackendError(TfsnnError, ImportError):
    """Keras runs on another backend than TensorFlow."""


class ConversionError(TfsnnError, ValueError):
    """A model cannot be converted.

    Attributes:
        findings: What `check` found; None where the conversion itself failed.
    """

    def __init__(self, message: str, findings: object | None = None):
        """Keeps the findings beside the text.

        Args:
            message: Complete text for the user.
            findings: A `Findings`, or None.
        """
        super().__init__(message)
        self.findings = findings


class UnsupportedLayerError(ConversionError, TypeError):
    """A layer has no spiking counterpart."""


class ModelFileError(TfsnnError, ValueError):
    """A file is not a Keras model that can be read."""


class DataError(TfsnnError, ValueError):
    """Images or labels do not fit."""


class CheckpointError(TfsnnError, ValueError):
    """A checkpoint is of another calibration, or is none."""


class ExportError(TfsnnError, OSError):
    """An artefact could not be written; nothing was left half-written."""


class ReloadError(TfsnnError, RuntimeError):
    """A written artefact does not reproduce the model it came from."""


class ReportError(TfsnnError, ValueError):
    """A run cannot be read, or a report cannot be made of it."""


class RequestError(TfsnnError, RuntimeError):
    """A server does not answer a request.

    Attributes:
        code: Why, a gRPC status name such as `"INVALID_ARGUMENT"`.
    """

    def __init__(self, code: str, message: str):
        """Keeps the code beside the text.

        Args:
            code: Name of a gRPC status.
            message: Complete text for the user.
        """
        super().__init__(message)
        self.code = code


class MissingExtraError(TfsnnError, ImportError):
    """A package that comes with an extra is not installed."""
