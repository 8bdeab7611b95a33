"""Refuses to run on another Keras backend than TensorFlow."""

import keras

from tfsnn.errors import BackendError


def require_tensorflow_backend() -> None:
    """Raises unless Keras runs on TensorFlow.

    Raises:
        BackendError: If the backend is another one.
    """
    backend = keras.backend.backend()
    if backend != "tensorflow":
        raise BackendError(
            f"Keras runs on the '{backend}' backend. tfsnn supports TensorFlow"
            " only. Set KERAS_BACKEND=tensorflow before Python starts, or"
            ' "backend": "tensorflow" in ~/.keras/keras.json.'
        )
